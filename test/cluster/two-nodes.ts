/**
 * The suite that every kind of shared file system passes: two instances on two nodes, one root, and one of the nodes
 * loses its power, stands still, or is cut off while they run.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../support/wait-until.ts'
import { Bed, missingFor, type SharedFileSystem } from './bed.ts'
import { faultsOf, readCommands, readEvidence, type SeenCommand } from './evidence.ts'
import { Instance, type InstanceEnd } from './instance.ts'
import { lookAtStaleFiles } from './stale-files.ts'

/** Some tasks last 16 s: longer than anybody waits for a sign of life, so that one is running when that comes. */
const LONG_TASKS = { longEvery: 20, ticks: 64 }
/**
 * What may pass beside the file system: two heartbeats, the start of a command in a slow node, a busy machine. Far less
 * than the 30 s after which an NFS client looks again for a name that it knows to be absent.
 */
const SLACK_MS = 5000
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
    beforeEach(({ task }) => {
      bed.tryNumber = task.result?.retryCount ?? 0
    })
    afterEach(() => bed.restore(Instance.takeRunning(bed)))
    afterAll(() => bed.down())
    tests({ bed, first, second })
  })
}

/** Starts the same command line in both nodes. */
async function startBoth({ bed, first, second }: SuiteTools, root: string): Promise<Both> {
  const options = { root, tasks: bed.fileSystem.tasks, jobs: 3, ...LONG_TASKS, more: ['--wait'] }
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
  const { tasks } = bed.fileSystem
  const evidence = readEvidence(bed, root)
  expect(evidence.flatMap((task) => faultsOf(task, { mayOverlap }))).toEqual([])
  expect(evidence).toHaveLength(tasks)
  expect(survivor, survivor.stderr).toMatchObject({
    exitCode: 0,
    summary: { tasks, done: tasks, failed: 0, open: 0, elsewhere: 0, invalid: 0, exitCode: 0 },
  })
}

/** Lets both nodes work on a root to its end, and looks at what they have done. */
export async function runInPeace(tools: SuiteTools, root: string): Promise<void> {
  const both = await startBoth(tools, root)
  for (const instance of both) expectAllDone(tools, { root, survivor: await instance.ended(END_TIMEOUT_MS) })
}

/** The tests of {@link describeWithBed} that are the same everywhere. */
export function testTwoNodes(tools: SuiteTools): void {
  const { bed, first, second } = tools
  const { kind, tasks, visibilityMs } = bed.fileSystem

  it('share the tasks, each is run once', async () => {
    await runInPeace(tools, 'peace')
    const commands = [...readCommands(bed, 'peace').values()]
    expect(commands.every((of) => of.length === 1)).toBe(true)
    expect(new Set(commands.flat().map(({ node }) => node)).size).toBe(2)
  })

  it('hear of each other’s releases and results without waiting for a cache to run out', async () => {
    const options = { root: 'news', tasks: 1, jobs: 1, longEvery: 1, ticks: 40, more: ['--wait'] }
    const commands = (): readonly SeenCommand[] => [...readCommands(bed, 'news').values()].flat()
    const owner = await Instance.start(bed, { node: first, ...options })
    await waitUntil(() => commands().length === 1, { describe: () => owner.describe() })
    const heir = await Instance.start(bed, { node: second, ...options })
    // By then it has looked at the task, and its client knows that there is no next event.
    await heir.hasSaid('Waiting for')
    await owner.interrupt()
    await owner.ended(30_000)
    await waitUntil(() => commands().length === 2, { describe: () => heir.describe() })
    const takenMs = (commands()[1]?.startedAtMs ?? 0) - owner.endedAtMs
    const late = await Instance.start(bed, { node: first, ...options })
    await late.hasSaid('Waiting for')
    const [one, other] = await Promise.all([heir.ended(END_TIMEOUT_MS), late.ended(END_TIMEOUT_MS)])
    const knownMs = late.endedAtMs - heir.endedAtMs
    console.log(
      `${kind}: taken after ${Math.round(takenMs)} ms, result known after ${Math.round(knownMs)} ms.`,
    )
    expect([one.exitCode, other.exitCode], `${one.stderr}${other.stderr}`).toEqual([0, 0])
    expect(takenMs).toBeLessThan(visibilityMs + SLACK_MS)
    expect(knownMs).toBeLessThan(visibilityMs + SLACK_MS)
  })

  it('see after syncBarrierSync what the other has written to files', async () => {
    const { writer, reader } = await lookAtStaleFiles(bed, 'files')
    console.log(`${kind}: ${JSON.stringify(reader)}`)
    expect(reader.newName.afterSync).toBe('made')
    expect(reader.newDirectory.afterSync).toBe('made')
    expect(reader.newContent.afterSync).toBe('afterwards of 10')
    expect([writer.counter, reader.counter]).toEqual([20, 20])
    if (kind !== 'nfs') expect([writer.twoWriters, reader.twoWriters]).toEqual(['aaaabbbb', 'aaaabbbb'])
  })

  it('lose one to a power cut, and the other finishes all', async () => {
    const both = await startBoth(tools, 'power-cut')
    const [survivor] = both
    await midRun(tools, 'power-cut', both)
    await bed.kill(second)
    expectAllDone(tools, { root: 'power-cut', survivor: await survivor.ended(END_TIMEOUT_MS) })
  })

  it('run the same command line after a power cut, and what is left is done', async () => {
    const options = { node: second, root: 'again', tasks, jobs: 3, ...LONG_TASKS }
    await Instance.start(bed, options)
    await waitUntil(() => readCommands(bed, 'again').size > tasks / 3, { timeoutMs: 60_000 })
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
