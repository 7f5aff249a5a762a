import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import { discardLogs, logPaths } from '../../src/command/log-policy.ts'

describe('the log policy', () => {
  it.each(['all', 'failed'] as const)('%s writes both outputs into the task directory', (policy) => {
    expect(logPaths(policy, '/out/a')).toEqual({ stdoutPath: '/out/a/stdout', stderrPath: '/out/a/stderr' })
  })

  it('gives the members of a group that follow the first one files with their number', () => {
    expect(logPaths('all', '/out/a', 2)).toEqual({
      stdoutPath: '/out/a/stdout.2',
      stderrPath: '/out/a/stderr.2',
    })
  })

  it('none writes nothing', () => {
    expect(logPaths('none', '/out/a')).toEqual({})
  })

  it('discards both files and nothing else, and what is gone is no fault', () => {
    const directory = temporaryDirectory()
    for (const name of ['stdout', 'result']) writeFileSync(join(directory, name), 'text')
    discardLogs(logPaths('failed', directory))
    discardLogs({})
    expect(existsSync(join(directory, 'stdout'))).toBe(false)
    expect(existsSync(join(directory, 'result'))).toBe(true)
  })
})
