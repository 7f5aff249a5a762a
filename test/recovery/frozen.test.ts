/** Instances that freeze, die out of sight, or lose their disk: what becomes of their tasks, and of them. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { countStates, type ProgramOptions, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const LIBRARY = pathToFileURL(join(import.meta.dirname, '../../packages/cli/dist/index.js')).href

/** Short, but a machine under load must be able to keep them. */
const MPIBATCH_LIVENESS = 'heartbeat=100ms,lease=1500ms,visibility=0s,dead-after=2s'

/**
 * A root, and the line that runs its tasks: each notes its start and end, with its process, in `log`. The first attempt of
 * each goes on until there is a file `go`.
 */
function makePlace(tasks = '1-4') {
  const options: ProgramOptions = { cwd: temporaryDirectory(), env: { MPIBATCH_LIVENESS } }
  const line = `echo start {} $$ >> log; until [ -e go ] || [ $MPIBATCH_ATTEMPT -gt 1 ]; do sleep 0.05; done; echo end {} $$ >> log`
  const argv = [
    'run',
    '--root',
    'out',
    '-j',
    '2',
    '--array',
    tasks,
    '--progress',
    'none',
    '--json',
    '-c',
    line,
  ]
  const log = (): string[] => {
    const path = join(options.cwd, 'log')
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
  }
  const root = join(options.cwd, 'out')
  return {
    options,
    argv,
    log,
    root,
    go: (): void => writeFileSync(join(options.cwd, 'go'), ''),
    start: (...more: string[]) => startProgram([...splice(argv, more)], options),
  }
}

/** Options go before `-c`. */
function splice(argv: readonly string[], more: readonly string[]): string[] {
  return [...argv.slice(0, -2), ...more, ...argv.slice(-2)]
}

const instancesOf = (root: string): string[] => readdirSync(join(root, '.mpibatch', 'i'))

/** Makes an instance look as if it ran on another machine. */
function moveAway(root: string, instance: string): void {
  const path = join(root, '.mpibatch', 'i', instance, 'info.json')
  const info = JSON.parse(readFileSync(path, 'utf8')) as object
  // By another name, as a program that reads it meanwhile must never find half of it.
  writeFileSync(`${path}.moved`, JSON.stringify({ ...info, pidNamespace: 'pid:[1]', host: 'far-away' }))
  renameSync(`${path}.moved`, path)
}

describe('a run that is frozen', () => {
  test('loses its tasks to one that waits, which ends its commands first; awake again, it says so and ends with 3', async () => {
    const place = makePlace('1-2')
    const first = place.start()
    await waitUntil(() => place.log().length === 2, { describe: first.stderr })
    first.child.kill('SIGSTOP')
    const second = place.start('--wait')
    const secondEnd = await second.ended
    expect(secondEnd).toMatchObject({ exitCode: 0 })
    expect(JSON.parse(secondEnd.stdout)).toMatchObject({ done: 2, elsewhere: 0 })
    first.child.kill('SIGCONT')
    const firstEnd = await first.ended
    expect(firstEnd.exitCode).toBe(3)
    expect(firstEnd.stderr).toContain('declared dead')
    expect(countStates(place.root)).toEqual({ DONE: 2 })
    // The commands of the first were ended before they got to their end; those of the second came to theirs.
    const lines = place.log()
    expect(lines.filter((line) => line.startsWith('start'))).toHaveLength(4)
    expect(lines.filter((line) => line.startsWith('end'))).toHaveLength(2)
  })
})

describe('a run whose disk does not answer', () => {
  test('holds its commands, and goes on with them when it does', async () => {
    const place = makePlace('1-2')
    const run = place.start()
    await waitUntil(() => place.log().length === 2, { describe: run.stderr })
    const directory = join(place.root, '.mpibatch', 'i', instancesOf(place.root)[0] ?? '')
    execFileSync('mkfifo', [join(directory, 'fifo')])
    renameSync(join(directory, 'hb'), join(directory, 'kept'))
    renameSync(join(directory, 'fifo'), join(directory, 'hb'))
    // Two tasks start at once, in no order.
    const started = place.log()
    const pids = started.map((line) => Number(line.split(' ')[2]))
    const stateOf = (pid: number): string | undefined =>
      /\) ([A-Z])/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
    await waitUntil(() => pids.every((pid) => stateOf(pid) === 'T'), { describe: run.stderr })
    // Said by another thread than the one that holds the commands, and through a pipe: it may come later.
    await waitUntil(() => run.stderr().includes('did not answer in time'), { describe: run.stderr })
    renameSync(join(directory, 'hb'), join(directory, 'fifo'))
    renameSync(join(directory, 'kept'), join(directory, 'hb'))
    execFileSync('timeout', ['10', 'dd', `if=${join(directory, 'fifo')}`, 'count=1', 'status=none'])
    await waitUntil(() => run.stderr().includes('answers again'), { describe: run.stderr })
    place.go()
    const end = await run.ended
    expect(end).toMatchObject({ exitCode: 0 })
    // The same two commands as at first: none was started a second time.
    expect(place.log().sort()).toEqual(
      [...started, ...started.map((line) => line.replace('start', 'end'))].sort(),
    )
  })
})

describe('a run out of sight', () => {
  test('that died is waited for until that is certain, and its tasks are run by the same line without a flag', async () => {
    const place = makePlace()
    const first = place.start()
    await waitUntil(() => place.log().length === 2, { describe: first.stderr })
    first.child.kill('SIGKILL')
    await first.ended
    moveAway(place.root, instancesOf(place.root)[0] ?? '')
    place.go()
    const end = await place.start().ended
    expect(end.stderr).toMatch(/Waiting up to \d+ s for a sign of life of instance [0-9a-f]{16} on far-away/)
    expect(end).toMatchObject({ exitCode: 0 })
    expect(countStates(place.root)).toEqual({ DONE: 4 })
  })

  test('that lives is not waited for, unless that is asked for', async () => {
    const place = makePlace('1-2')
    const first = place.start()
    await waitUntil(() => place.log().length === 2, { describe: first.stderr })
    moveAway(place.root, instancesOf(place.root)[0] ?? '')
    const second = await place.start().ended
    expect(second).toMatchObject({ exitCode: 1 })
    expect(JSON.parse(second.stdout)).toMatchObject({ elsewhere: 2, done: 0 })
    expect(second.stderr).toContain('--wait')
    expect(first.child.exitCode).toBeNull()
    const waiting = place.start('--wait')
    await waitUntil(() => waiting.stderr().includes('which runs'), { describe: waiting.stderr })
    place.go()
    const third = await waiting.ended
    expect(third).toMatchObject({ exitCode: 0 })
    expect(JSON.parse(third.stdout)).toMatchObject({ elsewhere: 0, done: 2 })
    expect(place.log()).toHaveLength(4)
  })
})

test('times that would let two owners run one task are refused, with the shortest that is safe', async () => {
  const { options, argv } = makePlace()
  const env = { MPIBATCH_LIVENESS: 'lease=10s,dead-after=5s' }
  const end = await startProgram(argv, { ...options, env }).ended
  expect(end).toMatchObject({ exitCode: 2 })
  expect(end.stderr).toContain('needs 10203 ms at least')
  expect(existsSync(join(options.cwd, 'out', 'task_000001'))).toBe(false)
})

describe('a job script', () => {
  test('that computes without a pause is ended when others have taken its task over', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(
      join(cwd, 'job.mjs'),
      `import { appendFileSync } from 'node:fs'
       import { openBatch } from ${JSON.stringify(LIBRARY)}
       const batch = await openBatch({ root: 'out', tasks: ['a'] })
       for await (const task of batch) {
         appendFileSync('log', \`start \${task.attempt}\\n\`)
         if (task.attempt === 1) for (;;);
         await task.done()
       }
       await batch.close()`,
    )
    const options = { cwd, env: { MPIBATCH_LIVENESS } }
    const argv = ['run', '-j', '1', '--wait', '--progress', 'none', 'job.mjs']
    const first = startProgram(argv, options)
    const log = join(cwd, 'log')
    await waitUntil(() => existsSync(log), { describe: first.stderr })
    first.child.kill('SIGSTOP')
    expect(await startProgram(argv, options).ended).toMatchObject({ exitCode: 0 })
    first.child.kill('SIGCONT')
    const end = await first.ended
    expect(end).toMatchObject({ exitCode: 3 })
    expect(end.stderr).toContain('declared dead')
    expect(readFileSync(log, 'utf8')).toBe('start 1\nstart 2\n')
    expect(countStates(join(cwd, 'out'))).toEqual({ DONE: 1 })
  })
})
