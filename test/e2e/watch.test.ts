import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PROGRAM, type Running, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Runs until a file of the task's name appears. */
const WAITS = [
  'run',
  '-j',
  '1',
  '--name',
  '{}',
  '--',
  'sh',
  '-c',
  'while [ ! -e go-$1 ]; do sleep 0.05; done',
  'x',
]

/** Well below the time after which a watch looks without a reason, milliseconds. */
const LATEST_MS = 5000

interface Seen {
  readonly open: number
  readonly running: number
  readonly done: number
}

const seenBy = (watch: Running): Seen[] =>
  watch
    .stdout()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

/** Waits until a watch has printed what is wanted; returns how long that took, in milliseconds. */
async function untilSeen(watch: Running, wanted: (seen: Seen) => boolean): Promise<number> {
  const start = performance.now()
  await waitUntil(() => seenBy(watch).some(wanted), { describe: () => watch.stdout() + watch.stderr() })
  return performance.now() - start
}

describe('status --watch', () => {
  it.each([
    { how: 'is told of', options: [] },
    { how: 'looks for', options: ['--poll', '100ms'] },
  ])('$how what another instance does, until all has ended', async ({ options }) => {
    const cwd = temporaryDirectory()
    const run = startProgram([...WAITS, ':::', 'a', 'b'], { cwd })
    await waitUntil(() => existsSync(join(cwd, 'mpibatch.out/a')))
    const watch = startProgram(['status', '--watch', '--json', ...options], { cwd })
    await untilSeen(watch, ({ running }) => running === 1)
    writeFileSync(join(cwd, 'go-a'), '')
    expect(await untilSeen(watch, ({ done }) => done === 1)).toBeLessThan(LATEST_MS)
    writeFileSync(join(cwd, 'go-b'), '')
    expect((await watch.ended).exitCode).toBe(0)
    expect(seenBy(watch).at(-1)).toMatchObject({ done: 2, running: 0, open: 0 })
    // One line per change: no two are the same.
    const lines = seenBy(watch).map((seen) => JSON.stringify({ ...seen, ratePerSecond: 0, secondsLeft: 0 }))
    expect(new Set(lines).size).toBe(lines.length)
    expect((await run.ended).exitCode).toBe(0)
  })

  it('prints a line per change for people', async () => {
    const cwd = temporaryDirectory()
    const run = startProgram([...WAITS, ':::', 'a'], { cwd })
    await waitUntil(() => existsSync(join(cwd, 'mpibatch.out/a')))
    const watch = startProgram(['status', '--watch'], { cwd })
    await waitUntil(() => watch.stdout().includes('1 RUNNING'))
    writeFileSync(join(cwd, 'go-a'), '')
    expect((await watch.ended).stdout).toMatch(/Z mpibatch\.out: 1 tasks, 100 % ended: 1 DONE, .*\n$/)
    await run.ended
  })

  it('sees what a program does that knows nothing but state files', async () => {
    const cwd = temporaryDirectory()
    const write = (word: string): void => {
      writeFileSync(join(cwd, 'mpibatch.out/t/state.temp'), `${word}\n`)
      renameSync(join(cwd, 'mpibatch.out/t/state.temp'), join(cwd, 'mpibatch.out/t/state'))
    }
    mkdirSync(join(cwd, 'mpibatch.out/t'), { recursive: true })
    write('OPEN')
    const watch = startProgram(['status', '--watch', '--json'], { cwd })
    await untilSeen(watch, ({ open }) => open === 1)
    write('RUNNING')
    await untilSeen(watch, ({ running }) => running === 1)
    write('DONE')
    expect((await watch.ended).exitCode).toBe(0)
  })

  it('ends with the reason when the root goes away', async () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, 'root/t'), { recursive: true })
    writeFileSync(join(cwd, 'root/t/state'), 'OPEN\n')
    const watch = startProgram(['status', '--watch', '--json', '--poll', '100ms', 'root'], { cwd })
    await untilSeen(watch, ({ open }) => open === 1)
    renameSync(join(cwd, 'root'), join(cwd, 'gone'))
    const { exitCode, stderr } = await watch.ended
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('There is no task root')])
  })
})

/** In a user namespace of its own a process may watch as few files as we like. */
const LIMITED = ['-Ur', 'sh', '-c', 'echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"', 'sh']
const canLimit = spawnSync('unshare', [...LIMITED, 'true']).status === 0

describe.skipIf(!canLimit)(
  'status --watch where no more files can be watched (needs user namespaces)',
  () => {
    it('says so once, and looks instead', async () => {
      const cwd = temporaryDirectory()
      const run = startProgram([...WAITS, ':::', 'a'], { cwd })
      await waitUntil(() => existsSync(join(cwd, 'mpibatch.out/a')))
      const watch = spawn('unshare', [...LIMITED, process.execPath, PROGRAM, 'status', '--watch', '--json'], {
        cwd,
      })
      onTestFinished(() => void watch.kill('SIGKILL'))
      let stdout = ''
      let stderr = ''
      watch.stdout.on('data', (text) => {
        stdout += text
      })
      watch.stderr.on('data', (text) => {
        stderr += text
      })
      await waitUntil(() => stdout.includes('"running":1') && stderr !== '', {
        describe: () => stdout + stderr,
      })
      writeFileSync(join(cwd, 'go-a'), '')
      await waitUntil(() => watch.exitCode !== null, { describe: () => stdout + stderr })
      expect(stdout).toContain('"done":1')
      expect(stderr.match(/does not tell of changes in/g)).toHaveLength(1)
      expect(stderr).toContain('max_user_watches')
      await run.ended
    })
  },
)
