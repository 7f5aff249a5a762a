import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const ROOT = join(import.meta.dirname, '../..')
const PACKAGES = ['batch-core', 'fs-state', 'native-mpi', 'cli']

describe('the packages as they are published', () => {
  it('install into an empty folder elsewhere, and work there as program and as library', () => {
    const folder = temporaryDirectory()
    const run = (command: string, argv: readonly string[], cwd = folder): string =>
      execFileSync(command, argv, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    for (const name of PACKAGES)
      run('npm', ['pack', '--silent', '--pack-destination', folder], join(ROOT, 'packages', name))
    const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
    expect(tarballs).toHaveLength(PACKAGES.length)
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n')
    run('npm', [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      ...tarballs.map((name) => `./${name}`),
    ])
    const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/cli/package.json'), 'utf8'))
    expect(run('npx', ['mpibatch', '--version'])).toBe(`${version}\n`)
    run('npx', ['mpibatch', 'run', '--progress', 'none', '--', 'echo', 'hello', '{}', ':::', 'a', 'b'])
    expect(readFileSync(join(folder, 'mpibatch.out/task_000002/stdout'), 'utf8')).toBe('hello b\n')
    writeFileSync(
      join(folder, 'job.mjs'),
      `import { openBatch } from 'mpibatch'
       const batch = await openBatch({ root: 'out', tasks: ['x', 'y'], groupSize: 2 })
       await batch.run((task, group) => group.barrier())
       const counts = await batch.close()
       if (counts.DONE !== 2) throw new Error(JSON.stringify(counts))\n`,
    )
    run('npx', ['mpibatch', 'run', '-j', '2', 'job.mjs'])
    expect(readFileSync(join(folder, 'out/y/state'), 'utf8')).toBe('DONE\n')
    run('node', ['job.mjs'])
    run('npx', ['mpibatch', 'report'])
    expect(readFileSync(join(folder, 'mpibatch-report.html'), 'utf8')).toContain('uPlot')
    // Types reach a TypeScript user too: the declaration files name only files that are there.
    const installed = readdirSync(join(folder, 'node_modules/mpibatch/dist')).filter((name) =>
      name.endsWith('.d.ts'),
    )
    expect(installed).toContain('index.d.ts')
  })
})
