/** The doctor on disks, memory disks, directories that can't be written to, and task roots with trouble in them. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { examine, runMpibatch } from './run-doctor.ts'
import { NO_NAMESPACES } from './weak-mounts.ts'

const IS_ROOT = process.getuid?.() === 0

describe('the doctor', () => {
  it.skipIf(!existsSync('/dev/shm'))('says that a memory disk forgets', async () => {
    const directory = mkdtempSync('/dev/shm/mpibatch-doctor-')
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const { exitCode, report, findings } = await examine([directory])
    expect(findings.map(({ code }) => code)).toContain('memory-disk')
    expect(report).toMatchObject({ verdict: 'degraded', use: 'several-instances', sharing: 'local' })
    expect(report.advice).toContain('tests')
    expect(exitCode).toBe(1)
    expect(readdirSync(directory)).toEqual([])
  })

  it.skipIf(NO_NAMESPACES !== '')('says that nothing can be written on a read-only file system', async () => {
    const directory = temporaryDirectory()
    const mounting = `mount -t tmpfs -o ro tmpfs '${directory}' && exec "$@"`
    const prefix = ['unshare', '-m', '--propagation', 'private', 'sh', '-c', mounting, 'sh']
    const { exitCode, report, findings } = await examine([directory], { prefix })
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'unwritable', message: expect.stringContaining('EROFS') as string }),
    )
    expect(report).toMatchObject({ verdict: 'unsafe', use: 'none', saved: false })
    expect(report.advice).toContain('read-only')
    expect(exitCode).toBe(2)
  })

  it.skipIf(IS_ROOT)('says that nothing may be written where permission is denied', async () => {
    const directory = temporaryDirectory()
    chmodSync(directory, 0o555)
    const { exitCode, report } = await examine([directory])
    expect(report.advice).toContain('Permission')
    expect(exitCode).toBe(2)
  })

  it('finds trouble among tasks, and with --repair opens what dead instances left', async () => {
    const root = join(temporaryDirectory(), 'root')
    // The command kills the run that started it.
    const command = ['sh', '-c', 'kill -9 $PPID; sleep 60']
    const killed = await runMpibatch(['run', '--root', root, '--', ...command, ':::', 'a'])
    expect(killed.exitCode).toBeNull()
    for (const [name, state] of [
      ['foreign', 'RUNNING'],
      ['invalid', 'NONSENSE'],
    ] as const) {
      mkdirSync(join(root, name))
      writeFileSync(join(root, name, 'state'), `${state}\n`)
    }
    const before = await examine([root])
    expect(before.codes(10).toSorted()).toEqual(['dead-instances', 'dead-owner', 'foreign', 'invalid'])
    expect(before.exitCode).toBe(1)
    const repaired = await examine([root, '--repair'])
    expect(repaired.measured(10).repair).toEqual({ repaired: ['task_000001'], left: [] })
    const after = await examine([root])
    expect(after.codes(10).toSorted()).toEqual(['foreign', 'invalid'])
    expect(after.measured(10)).toMatchObject({ tasks: 3, looked: 3, livingInstances: 0 })
  })
})
