/** A task root on a file system that is read-only. Mounting one needs root. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

function mount(...argv: string[]): boolean {
  return spawnSync('mount', argv, { stdio: 'ignore' }).status === 0
}

/** A memory disk that is made read-only later; `undefined` where none may be mounted. */
function mountDisk(directory: string): (() => void) | undefined {
  mkdirSync(directory)
  if (!mount('-t', 'tmpfs', '-o', 'size=4m', 'mpibatch-test', directory)) return undefined
  onTestFinished(() => void spawnSync('umount', [directory]))
  return () => {
    if (!mount('-o', 'remount,ro', directory)) throw new Error('The disk could not be made read-only.')
  }
}

const COMMAND = ['--', 'sh', '-c', 'touch ran-$MPIBATCH_TASK', '{}']

describe.skipIf(process.getuid?.() !== 0)('a root on a read-only file system', () => {
  it('is refused with one sentence, before anything is made or started', async ({ skip }) => {
    const cwd = temporaryDirectory()
    const freeze = mountDisk(join(cwd, 'disk'))
    if (freeze === undefined) return skip('Mounting is not permitted here.')
    freeze()
    const ended = await runProgram(['run', '--root', 'disk/root', ...COMMAND, ':::', 'a'], { cwd })
    expect(ended.exitCode).toBe(3)
    expect(ended.stderr).toMatch(
      /^mpibatch: .*disk\/root.*read-only; make it writable, or choose another --root\.\n$/,
    )
    expect(readdirSync(cwd)).toEqual(['disk'])
    expect(readdirSync(join(cwd, 'disk'))).toEqual([])
  })

  it('still shows what was done there, and starts nothing more', async ({ skip }) => {
    const cwd = temporaryDirectory()
    const freeze = mountDisk(join(cwd, 'disk'))
    if (freeze === undefined) return skip('Mounting is not permitted here.')
    const line = (...values: string[]): string[] => [
      'run',
      '--root',
      'disk/root',
      ...COMMAND,
      ':::',
      ...values,
    ]
    expect((await runProgram(line('a'), { cwd })).exitCode).toBe(0)
    freeze()
    const before = readdirSync(join(cwd, 'disk/root/.mpibatch/i'))
    const ended = await runProgram(line('a', 'b'), { cwd })
    expect(ended.exitCode).toBe(3)
    expect(ended.stderr).toContain('read-only')
    expect(readdirSync(join(cwd, 'disk/root/.mpibatch/i'))).toEqual(before)
    expect(readdirSync(cwd).sort()).toEqual(['disk', 'ran-task_000001'])
    expect((await runProgram(['check', 'disk/root'], { cwd })).exitCode).toBe(0)
    expect((await runProgram(['list', 'disk/root'], { cwd })).stdout).toContain('DONE')
  })
})
