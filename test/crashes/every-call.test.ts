/**
 * An instance is killed before each single call that changes the file system, from the first that registers it to the
 * last that ends it; then another process goes on. That reaches what lies between the steps of an append too: the
 * instance's files and life log, the manifest, tokens, journals, the snapshot of the index.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { type ActorLine, runActor, type Script, startActor } from '../multi-process/store-actors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const TASKS = ['a', 'b']
/** Victims at one time: while one waits for its disk, another can run. */
const LANES = 3
/** Each test starts some two hundred processes. */
vi.setConfig({ testTimeout: 300_000 })

/** Makes a root as it is before the victim comes, in a directory that is there. */
type Prepare = (root: string) => Promise<void>

/** Lines of an actor that ended as it was told to. */
async function killed(script: Script): Promise<ActorLine[]> {
  const actor = startActor({ tasks: TASKS, ...script })
  actor.letGo()
  const lines: ActorLine[] = []
  for (let line = await actor.next(); line !== undefined; line = await actor.next()) lines.push(line)
  expect(await actor.ended).toBe('SIGKILL')
  return lines
}

/** Kinds of a task's events, in order. */
function eventsOf(root: string, task: string): string {
  const kinds: string[] = []
  for (let slot = 1; existsSync(join(root, task, `state.ev.${slot}`)); slot += 1)
    kinds.push(readFileSync(join(root, task, `state.ev.${slot}`), 'utf8').split(' ')[1] ?? 'nothing')
  return kinds.join(' ')
}

/** Every state is one whole word, or there is none yet. */
function checkStates(root: string): void {
  for (const task of readdirSync(root).filter((name) => TASKS.includes(name)))
    expect(readFileSync(join(root, task, 'state'), 'utf8')).toMatch(/^(OPEN|RUNNING|DONE|FAILED)\n$/)
}

/** Goes on in the place of the victim, and checks what it left. `reported`: the tasks that it had told to be DONE. */
async function recover(root: string, reported: readonly string[]): Promise<void> {
  checkStates(root)
  const claims = [
    ['claim', 0],
    ['claim', 1, { retryFailed: true }],
  ] as const
  const [opened, ...outcomes] = await runActor({ root, tasks: TASKS, actions: [...claims, ['finish']] })
  expect(opened?.faults).toEqual([])
  for (const [index, task] of TASKS.entries()) {
    if (reported.includes(task)) expect(outcomes[index]).toMatchObject({ kind: 'settled', state: 'DONE' })
    // Nothing that a dead instance left is out of reach, whatever it was.
    else expect(outcomes[index]?.kind).toBeOneOf(['claimed', 'settled'])
  }
  for (const task of TASKS) {
    expect(readFileSync(join(root, task, 'state'), 'utf8')).toBe('DONE\n')
    // A result follows a claim, and nothing but opening the task again follows DONE. That the opening was only begun
    // leaves the task DONE.
    expect(eventsOf(root, task)).toMatch(/^(CLAIM (CLAIM )*((DONE )?OPEN |FAILED )?)*DONE( OPEN)?$/)
  }
}

async function killAtEveryCall(
  script: Omit<Script, 'root'>,
  prepare: Prepare,
  reportedBy: (lines: readonly ActorLine[]) => readonly string[],
): Promise<number> {
  const place = temporaryDirectory()
  const prepared = join(place, 'prepared')
  mkdirSync(prepared)
  await prepare(prepared)
  const copy = (name: string): string => {
    // Links stay links, as events are.
    expect(spawnSync('cp', ['-a', prepared, join(place, name)]).status).toBe(0)
    return join(place, name)
  }
  const whole = await runActor({ ...script, root: copy('whole') })
  const count = whole.at(-1)?.calls ?? 0
  const calls = Array.from({ length: count }, (_, call) => call)
  const lane = async (): Promise<void> => {
    for (let call = calls.shift(); call !== undefined; call = calls.shift()) {
      const root = copy(`root-${call}`)
      try {
        const lines = await killed({ ...script, root, stop: { signal: 'SIGKILL', call } })
        await recover(root, reportedBy(lines))
      } catch (error) {
        throw new Error(`Killed before call ${call} of ${count}, in ${root}`, { cause: error })
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return count
}

it('an instance that runs, fails, gives back and reruns tasks is continued after a kill at any call', async () => {
  const actions = [
    ['claim', 0],
    ['DONE', 0],
    ['claim', 1],
    ['FAILED', 1],
    ['claim', 1, { retryFailed: true }],
    ['OPEN', 1],
    ['claim', 0, { rerun: true }],
    ['DONE', 0],
  ] as const
  // The first line tells of the start; a is opened again right after the seventh.
  const reportedBy = (lines: readonly ActorLine[]): string[] =>
    (lines.length >= 3 && lines.length < 7) || lines.length >= 9 ? ['a'] : []
  const count = await killAtEveryCall({ tasks: TASKS, actions }, () => Promise.resolve(), reportedBy)
  expect(count).toBeGreaterThan(60)
})

it('an instance that takes over a claim and completes a result is continued after a kill at any call', async () => {
  const prepare: Prepare = async (root) => {
    const script = { root, tasks: TASKS }
    const whole = [
      ['claim', 0],
      ['claim', 1],
      ['DONE', 1],
    ] as const
    const stop = { signal: 'SIGKILL', operation: 'append', step: 'P2', kind: 'DONE' } as const
    await killed({ ...script, actions: whole, stop })
  }
  const actions = [
    ['claim', 0],
    ['claim', 1],
    ['DONE', 0],
  ] as const
  const reportedBy = (lines: readonly ActorLine[]): string[] => [
    ...(lines.length >= 4 ? ['a'] : []),
    // Its result was made before.
    ...['b'],
  ]
  const count = await killAtEveryCall({ tasks: TASKS, actions }, prepare, reportedBy)
  expect(count).toBeGreaterThan(30)
})
