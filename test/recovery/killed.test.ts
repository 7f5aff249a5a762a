import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countStates, readStates, runProgram, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Processes of this machine whose environment says that they belong to a task of this root. */
function commandsOf(root: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`MPIBATCH_ROOT=${root}`)
      } catch {
        return false
      }
    })
}

function doneCount(root: string): number {
  try {
    return countStates(root).DONE ?? 0
  } catch {
    return 0
  }
}

/** A line per start in the task's own directory, so that a second start is seen. */
const COUNTING = 'echo "$MPIBATCH_CLAIM" >> "$MPIBATCH_TASK_DIR/starts"'

const startsOf = (root: string, task: string): string[] =>
  readFileSync(join(root, task, 'starts'), 'utf8')
    .trimEnd()
    .split('\n')

describe.each(['', 'portable'])('a run that is killed, MPIBATCH_SPAWN=%s', (MPIBATCH_SPAWN) => {
  const env = { MPIBATCH_SPAWN }

  it('goes on with the same line: a thousand commands, each done once, none left over from the killed run', async () => {
    const cwd = temporaryDirectory()
    const options = { cwd, env }
    const root = join(cwd, 'mpibatch.out')
    // A grandchild outlives its shell, as solvers started by scripts do; it must not live beside its successor.
    const script = `${COUNTING}; if [ -n "{}" ] && [ $(( {} % 50 )) = 0 ]; then sleep 0.2 & wait; fi; true`
    const line = ['run', '-j', '4', '--durability', 'none', '--array', '1-1000', '-c', script]
    const first = startProgram(line, options)
    await waitUntil(() => doneCount(root) >= 300, {
      describe: () => `${doneCount(root)} done, ${first.stderr()}`,
    })
    first.child.kill('SIGKILL')
    await first.ended
    const doneBefore = Object.entries(readStates(root))
      .filter(([, state]) => state === 'DONE')
      .map(([task]) => task)
    expect(doneBefore.length).toBeLessThan(1000)
    const startsBefore = new Map(doneBefore.map((task) => [task, startsOf(root, task).length]))
    const second = await runProgram(line, options)
    expect(second.exitCode, second.stderr).toBe(0)
    expect(countStates(root)).toEqual({ DONE: 1000 })
    for (const [task, starts] of startsBefore) expect(startsOf(root, task)).toHaveLength(starts)
    // No task was started more than twice, and a second start has a higher fencing number.
    for (const task of Object.keys(readStates(root))) {
      const claims = startsOf(root, task).map(Number)
      expect(claims.length).toBeLessThanOrEqual(2)
      if (claims.length === 2) expect(claims[1]).toBeGreaterThan(claims[0] ?? 0)
    }
    expect(commandsOf(root)).toEqual([])
  })

  it('ends commands of the killed run, grandchildren too, before their tasks run again', async () => {
    const cwd = temporaryDirectory()
    const options = { cwd, env }
    const root = join(cwd, 'mpibatch.out')
    const script = `${COUNTING}; if [ "$MPIBATCH_ATTEMPT" = 1 ]; then sleep 600 & sleep 600; fi`
    const line = ['run', '-j', '3', '-c', `${script}; : {}`, ':::', 'a', 'b', 'c']
    const first = startProgram(line, options)
    await waitUntil(() => commandsOf(root).length >= 9, { describe: () => `${commandsOf(root)}` })
    first.child.kill('SIGKILL')
    await first.ended
    const second = await runProgram(line, options)
    expect(second.exitCode, second.stderr).toBe(0)
    expect(commandsOf(root)).toEqual([])
    expect(countStates(root)).toEqual({ DONE: 3 })
  })

  it.each([
    ['a time-out', ['--timeout', '500ms']],
    ['a failure', []],
  ])('ends what has left its process group before the next attempt, after %s', async (_, words) => {
    const cwd = temporaryDirectory()
    const options = { cwd, env }
    const root = join(cwd, 'mpibatch.out')
    const hang = words.length > 0 ? 'sleep 600' : 'exit 3'
    const script = `setsid sleep 600 & ${COUNTING}; if [ "$MPIBATCH_ATTEMPT" = 1 ]; then ${hang}; fi; kill $!; : {}`
    const argv = ['run', ...words, '--retries', '1', '--retry-delay', '1ms', '-c', script, ':::', 'a']
    const ended = await runProgram(argv, options)
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(startsOf(root, 'task_000001')).toHaveLength(2)
    expect(commandsOf(root)).toEqual([])
  })

  it('is not taken for dead while it lives: two runs at once run no task twice', async () => {
    const cwd = temporaryDirectory()
    const options = { cwd, env }
    const root = join(cwd, 'mpibatch.out')
    const line = ['run', '-j', '2', '--array', '1-200', '-c', `${COUNTING}; : {}`]
    const runs = [startProgram(line, options), startProgram(line, options)]
    const ends = await Promise.all(runs.map(({ ended }) => ended))
    for (const { exitCode, stderr } of ends) expect([0, 1], stderr).toContain(exitCode)
    expect(countStates(root)).toEqual({ DONE: 200 })
    const startedBy = Object.keys(readStates(root)).map((task) => startsOf(root, task).length)
    expect(startedBy.every((starts) => starts === 1)).toBe(true)
  })

  it('gives a task back whose command died of the TERM that ends the whole job', async () => {
    const cwd = temporaryDirectory()
    const options = { cwd, env }
    const root = join(cwd, 'mpibatch.out')
    const run = startProgram(['run', '-j', '1', '--', 'sleep', ':::', '600'], options)
    await waitUntil(() => commandsOf(root).length === 1, { describe: () => `${commandsOf(root)}` })
    // As a scheduler does it: every process of the job, in any order.
    for (const pid of [...commandsOf(root), run.child.pid ?? 0]) process.kill(pid, 'SIGTERM')
    expect(await run.ended).toMatchObject({ exitCode: 143 })
    expect(countStates(root)).toEqual({ OPEN: 1 })
  })

  it('shows one whole word per task at every instant', async () => {
    const cwd = temporaryDirectory()
    const options = { cwd, env }
    const root = join(cwd, 'mpibatch.out')
    const run = startProgram(
      ['run', '-j', '4', '--durability', 'none', '--array', '1-300', '--', 'true'],
      options,
    )
    await waitUntil(() => readdirSync(cwd).includes('mpibatch.out'))
    let looks = 0
    // readStates throws on an empty, partial or missing file.
    await waitUntil(() => {
      looks += 1
      return (countStates(root).DONE ?? 0) === 300
    })
    expect((await run.ended).exitCode).toBe(0)
    expect(looks).toBeGreaterThan(5)
  })
})

describe('a run that is interrupted', () => {
  const SLOW = `${COUNTING}; if [ ! -e "$MPIBATCH_ROOT/../go" ]; then sleep 600; fi; : {}`

  it('finishes what runs at the first Ctrl-C, and goes on with the same line', async () => {
    const cwd = temporaryDirectory()
    const root = join(cwd, 'mpibatch.out')
    const line = ['run', '-j', '2', '--array', '1-40', '-c', `${COUNTING}; sleep 0.3; : {}`]
    const run = startProgram(line, { cwd })
    await waitUntil(() => commandsOf(root).length > 0)
    run.child.kill('SIGINT')
    const ended = await run.ended
    expect(ended.exitCode, ended.stderr).toBe(130)
    const counts = countStates(root)
    expect(counts.RUNNING).toBeUndefined()
    expect(counts.DONE).toBeGreaterThan(0)
    expect(counts.DONE).toBeLessThan(40)
    const again = await runProgram(line, { cwd })
    expect(again.exitCode, again.stderr).toBe(0)
    for (const task of Object.keys(readStates(root))) expect(startsOf(root, task)).toHaveLength(1)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGUSR1', 143],
  ] as const)('ends the tasks at the second %s and gives them back', async (signal, exitCode) => {
    const cwd = temporaryDirectory()
    const root = join(cwd, 'mpibatch.out')
    const line = ['run', '-j', '2', '--array', '1-4', '-c', SLOW]
    const run = startProgram(line, { cwd })
    await waitUntil(() => commandsOf(root).length >= 2)
    run.child.kill(signal)
    await waitUntil(() => run.stderr().includes('finishing'))
    run.child.kill(signal)
    const ended = await run.ended
    expect(ended.exitCode, ended.stderr).toBe(exitCode)
    expect(countStates(root)).toEqual({ OPEN: 2 })
    expect(commandsOf(root)).toEqual([])
    writeFileSync(join(cwd, 'go'), '')
    const again = await runProgram(line, { cwd })
    expect(again.exitCode, again.stderr).toBe(0)
    expect(countStates(root)).toEqual({ DONE: 4 })
  })
})
