/**
 * The suite that every kind of shared file system passes: two instances on two nodes, one root, and one of the nodes
 * loses its power, stands still, or is cut off while they run.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../support/wait-until.ts'
import { Bed, missingFor, type SharedFileSystem } from './bed.ts'
import { faultsOf, readCommands, readEvidence } from './evidence.ts'
import { Instance, type InstanceEnd } from './instance.ts'

const TASKS = 120
/** Six tasks of 16 s: longer than anybody waits for a sign of life, so that one is running when that comes. */
const LONG_TASKS = { longEvery: 20, ticks: 64 }
const END_TIMEOUT_MS = 120_000

/** How the tests of a kind of file system are made. */
export interface SuiteTools {
  readonly bed: Bed
  readonly first: string
  readonly second: string
}

/** Describes a suite that has a bed, or skips it with the reason. */
export function describeWithBed(fileSystem: SharedFileSystem, tests: (tools: SuiteTools) => void): void {
  const missing = missingFor(fileSystem)
  const name = `two nodes over ${fileSystem.kind}`
  if (missing !== undefined && process.env.MPIBATCH_REQUIRE_CLUSTER !== '1') {
    describe.skip(`${name} (needs ${missing}; see test/cluster/README.md)`, () =>
      it('is skipped', () => undefined))
    return
  }
  describe(name, () => {
    const bed = new Bed(fileSystem)
    const [first, second] = fileSystem.nodes
    beforeAll(async () => {
      if (missing !== undefined)
        throw new Error(`The fake nodes need ${missing}; test/cluster/bed/deps.sh installs it.`)
      await bed.up()
    })
    afterEach(() => bed.restore(Instance.takeRunning(bed)))
    afterAll(() => bed.down())
    tests({ bed, first, second })
  })
}

/** Starts the same command line in both nodes. */
async function startBoth({ bed, first, second }: SuiteTools, root: string): Promise<Both> {
  const options = { root, tasks: TASKS, jobs: 3, ...LONG_TASKS, more: ['--wait'] }
  return await Promise.all([
    Instance.start(bed, { node: first, ...options }),
    Instance.start(bed, { node: second, ...options }),
  ])
}

type Both = readonly [Instance, Instance]

/** Waits until both nodes are at work, and the second has a long task in hand. */
async function midRun({ bed, first, second }: SuiteTools, root: string, both: Both): Promise<void> {
  await waitUntil(
    () => {
      const commands = [...readCommands(bed, root).values()].flat()
      const of = (node: string): number => commands.filter((command) => command.node === node).length
      const busy = commands.some(
        ({ node, complete, lastSeenAtMs, startedAtMs }) =>
          node === second && !complete && lastSeenAtMs > startedAtMs,
      )
      return busy && of(first) > 8 && of(second) > 8
    },
    { timeoutMs: 60_000, describe: () => describeBoth(both) },
  )
}

/** Waits until the first node has started a task anew that the second was running. */
async function takenOver({ bed, first, second }: SuiteTools, root: string, both: Both): Promise<void> {
  await waitUntil(
    () =>
      [...readCommands(bed, root).values()].some(
        (commands) => commands[0]?.node === second && commands.at(-1)?.node === first,
      ),
    { timeoutMs: 60_000, describe: () => describeBoth(both) },
  )
}

function describeBoth(both: Both): string {
  return both.map((instance) => instance.describe()).join('\n')
}

function expectAllDone(
  { bed }: SuiteTools,
  { root, survivor, mayOverlap = false }: { root: string; survivor: InstanceEnd; mayOverlap?: boolean },
): void {
  const evidence = readEvidence(bed, root)
  expect(evidence.flatMap((task) => faultsOf(task, { mayOverlap }))).toEqual([])
  expect(evidence).toHaveLength(TASKS)
  expect(survivor, survivor.stderr).toMatchObject({
    exitCode: 0,
    summary: { tasks: TASKS, done: TASKS, failed: 0, open: 0, elsewhere: 0, invalid: 0, exitCode: 0 },
  })
}

/** The tests of {@link describeWithBed} that are the same everywhere. */
export function testTwoNodes(tools: SuiteTools): void {
  const { bed, second } = tools

  it('share the tasks, each is run once', async () => {
    const instances = await startBoth(tools, 'peace')
    const [one, other] = await Promise.all(instances.map((instance) => instance.ended(END_TIMEOUT_MS)))
    for (const end of [one, other])
      if (end !== undefined) expectAllDone(tools, { root: 'peace', survivor: end })
    const commands = [...readCommands(bed, 'peace').values()]
    expect(commands.every((of) => of.length === 1)).toBe(true)
    expect(new Set(commands.flat().map(({ node }) => node)).size).toBe(2)
  })

  it('lose one to a power cut, and the other finishes all', async () => {
    const both = await startBoth(tools, 'power-cut')
    const [survivor] = both
    await midRun(tools, 'power-cut', both)
    await bed.kill(second)
    expectAllDone(tools, { root: 'power-cut', survivor: await survivor.ended(END_TIMEOUT_MS) })
  })

  it('run the same command line after a power cut, and what is left is done', async () => {
    const options = { node: second, root: 'again', tasks: TASKS, jobs: 3, ...LONG_TASKS }
    await Instance.start(bed, options)
    await waitUntil(() => readCommands(bed, 'again').size > TASKS / 3, { timeoutMs: 60_000 })
    await bed.kill(second)
    const before = readEvidence(bed, 'again').filter(({ state }) => state === 'DONE\n')
    await bed.start(second)
    const survivor = await (await Instance.start(bed, options)).ended(END_TIMEOUT_MS)
    expectAllDone(tools, { root: 'again', survivor })
    const commands = readCommands(bed, 'again')
    expect(before.length).toBeGreaterThan(0)
    expect(before.filter(({ name }) => commands.get(name)?.length !== 1)).toEqual([])
  })

  it('go on without one that stands still; it wakes, and changes nothing', async () => {
    const both = await startBoth(tools, 'frozen')
    const [survivor, frozen] = both
    await midRun(tools, 'frozen', both)
    await bed.freeze(second)
    await takenOver(tools, 'frozen', both)
    await bed.thaw(second)
    const [end, woken] = await Promise.all([survivor.ended(END_TIMEOUT_MS), frozen.ended(END_TIMEOUT_MS)])
    // What was running when its node stood still may go on for a moment beside its successor; nothing may start.
    expectAllDone(tools, { root: 'frozen', survivor: end, mayOverlap: true })
    expect(woken.exitCode, woken.stderr).toBe(3)
  })

  it('go on without one that is cut off; it holds what it runs, and gives up when it is back', async () => {
    const both = await startBoth(tools, 'cut-off')
    const [survivor, lonely] = both
    await midRun(tools, 'cut-off', both)
    await bed.partition(second)
    await takenOver(tools, 'cut-off', both)
    await bed.heal()
    const [end, back] = await Promise.all([survivor.ended(END_TIMEOUT_MS), lonely.ended(END_TIMEOUT_MS)])
    expectAllDone(tools, { root: 'cut-off', survivor: end })
    expect(back.exitCode, back.stderr).toBe(3)
  })
}
