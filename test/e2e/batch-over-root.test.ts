import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BATCH_OVER_ROOT, expectBatchOverRoot } from '../support/batch-over-root.ts'
import { countStates, runProgram, startNode } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

describe('a batch over a root', () => {
  it('keeps its promises alone under node', async () => {
    const cwd = temporaryDirectory()
    expectBatchOverRoot(await startNode([BATCH_OVER_ROOT, cwd], { cwd }).ended, 1)
    expect(countStates(join(cwd, 'states'))).toEqual({ DONE: 25 })
    expect(readFileSync(join(cwd, 'states/task_024/state'), 'utf8')).toBe('DONE\n')
  })

  it('keeps its promises on threads', async () => {
    const cwd = temporaryDirectory()
    const ended = await runProgram(['run', '-j', '4', BATCH_OVER_ROOT, '--', cwd], { cwd })
    expectBatchOverRoot(ended, 4, 1)
  })
})
