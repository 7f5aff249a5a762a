/** The examples under a launcher give what they give without, file by file. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeMpi } from '../support/mpi-installations.ts'
import { runRanks } from '../support/mpirun.ts'
import { PROGRAM, readStates, startNode } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const EXAMPLES = join(import.meta.dirname, '../../examples')
const LICENCES = '/usr/share/common-licenses'

/** A file of every task, by the names of the tasks; all must be DONE. */
function results(root: string, file: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(readStates(root)).map(([name, state]) => {
      expect(state).toBe('DONE')
      return [name, readFileSync(join(root, name, file), 'utf8')]
    }),
  )
}

describeMpi('the examples under a launcher', ['openmpi', 'mpich'], (mpi) => {
  it.skipIf(!existsSync(LICENCES))('count the words of every licence text', async () => {
    const directory = temporaryDirectory()
    const script = join(EXAMPLES, '01-licences/run.sh')
    const roots = { alone: join(directory, 'alone'), ranks: join(directory, 'ranks') }
    const alone = spawnSync(script, [roots.alone, '-j', '2'], { cwd: EXAMPLES, encoding: 'utf8' })
    expect(alone.status, alone.stderr).toBe(0)
    const ended = await runRanks(mpi, 3, [roots.ranks], { cwd: EXAMPLES, program: script })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(results(roots.ranks, 'words.txt')).toEqual(results(roots.alone, 'words.txt'))
  })

  it('sweep 400 epidemics, and draw them', async () => {
    const directory = temporaryDirectory()
    const script = join(EXAMPLES, '02-sweep/sweep.mjs')
    for (const name of ['alone', 'ranks']) mkdirSync(join(directory, name))
    const roots = { alone: join(directory, 'alone/out'), ranks: join(directory, 'ranks/out') }
    const alone = await startNode([script, roots.alone], { cwd: EXAMPLES }).ended
    expect(alone.exitCode, alone.stderr).toBe(0)
    const ended = await runRanks(mpi, 4, [PROGRAM, 'run', script, '--', roots.ranks], { cwd: EXAMPLES })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(Object.keys(results(roots.ranks, 'result.json'))).toHaveLength(400)
    expect(results(roots.ranks, 'result.json')).toEqual(results(roots.alone, 'result.json'))
    expect(readFileSync(`${roots.ranks}.svg`, 'utf8')).toBe(readFileSync(`${roots.alone}.svg`, 'utf8'))
  })

  it.skipIf(!existsSync(LICENCES))('split one task between two ranks', async () => {
    const directory = temporaryDirectory()
    const script = join(EXAMPLES, '03-groups/nearest.mjs')
    const roots = { alone: join(directory, 'alone'), ranks: join(directory, 'ranks') }
    const alone = await startNode([script, roots.alone], { cwd: EXAMPLES }).ended
    expect(alone.exitCode, alone.stderr).toBe(0)
    const ended = await runRanks(mpi, 4, [PROGRAM, 'run', script, '--', roots.ranks], { cwd: EXAMPLES })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(results(roots.ranks, 'nearest.json')).toEqual(results(roots.alone, 'nearest.json'))
  })
})
