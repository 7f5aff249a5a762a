import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DoctorReport } from '@mpibatch/fs-state'
import { addonPath } from '@mpibatch/native-mpi'
import { describe, expect, it } from 'vitest'
import { runProgram, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

describe('mpibatch doctor', () => {
  it('examines a task root, keeps its verdict, and leaves nothing else behind', async () => {
    const cwd = temporaryDirectory()
    await runProgram(['run', '--', 'true', ':::', 'a'], { cwd })
    const own = join(cwd, 'mpibatch.out', '.mpibatch')
    const before = readdirSync(own)
    const { exitCode, stdout, stderr } = await runProgram(['doctor', '--json'], { cwd })
    const report = JSON.parse(stdout) as DoctorReport
    expect({ exitCode, stderr }).toEqual({ exitCode: report.verdict === 'ok' ? 0 : 1, stderr: '' })
    expect(report).toMatchObject({
      format: 'mpibatch doctor',
      version: 1,
      use: 'several-instances',
      saved: true,
      spawning: existsSync(addonPath) ? 'native' : 'portable',
    })
    expect(report.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(readdirSync(own).filter((name) => !before.includes(name))).toEqual(['doctor.json'])
    expect(readFileSync(join(own, 'doctor.json'), 'utf8')).toContain('several-instances')
    const again = await runProgram(['run', '--', 'true', ':::', 'a'], { cwd })
    expect(again.exitCode).toBe(0)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('removes what it has made when %s ends it', async (signal) => {
    const cwd = temporaryDirectory()
    const running = startProgram(['doctor', '.'], { cwd })
    const own = join(cwd, '.mpibatch')
    await waitUntil(
      () => existsSync(own) && readdirSync(own).some((name) => existsSync(join(own, name, 'race'))),
    )
    running.child.kill(signal)
    const { exitCode } = await running.ended
    expect(exitCode).toBe(signal === 'SIGINT' ? 130 : 143)
    expect(readdirSync(cwd)).toEqual([])
  })

  it('refuses what is no directory, and several of them', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'file'), '')
    mkdirSync(join(cwd, 'a'))
    const ended = await Promise.all(
      [['nowhere'], ['file'], ['a', 'a'], ['--pear', 'x']].map((words) =>
        runProgram(['doctor', ...words], { cwd }),
      ),
    )
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([2, 2, 2, 2])
    expect(ended.map(({ stderr }) => stderr)).toEqual([
      expect.stringContaining('There is no directory "nowhere"'),
      expect.stringContaining('is not a directory'),
      expect.stringContaining('One directory was expected'),
      expect.stringContaining('Did you mean --peer?'),
    ])
    expect(readdirSync(cwd).toSorted()).toEqual(['a', 'file'])
  })
})
