/**
 * Each shell line of the documentation is run: in a directory with what its reader has (a program, lists, a root of an
 * earlier run), and has to be understood. Launchers and schedulers are small programs here that start one process; what
 * they do themselves is tested by `test:mpi` and `test:cluster-mpi`.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PROGRAM } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
const PAGES = [
  'README.md',
  ...readdirSync(join(REPOSITORY, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** Lines that are run elsewhere, or need what a test has not. */
const ELSEWHERE: readonly RegExp[] = [
  // .ci/run, which calls this test.
  /^npm ci\b/,
  // Python's pshmem: test:pshmem.
  /python3/,
  // Goes on until it is interrupted, and the tunnel to it: test/e2e/serve.test.ts.
  /^mpibatch serve|^ssh /,
  // Two machines: test/doctor/program.test.ts and test:cluster.
  /--peer/,
]

/** The lines of a page's shell blocks; a script, which begins with #!, counts as one. */
function linesOf(page: string): string[] {
  const text = readFileSync(join(REPOSITORY, page), 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    block.startsWith('#!') ? [block] : block.split('\n').filter((line) => line !== ''),
  )
}

const JOB = `import { openBatch } from 'mpibatch'
const batch = await openBatch({ root: 'out', tasks: ['a', 'b', 'c'] })
await batch.run(async (task) => console.log(task.name))
await batch.close()
`

/** What the pages' lines take to be there. */
function createPlace(): string {
  const place = temporaryDirectory()
  const write = (name: string, text: string, mode = 0o644): void => {
    writeFileSync(join(place, name), text)
    chmodSync(join(place, name), mode)
  }
  for (const directory of ['bin', 'data', 'shared']) mkdirSync(join(place, directory))
  const program = (name: string, text: string): void => write(name, `#!/bin/sh\n${text}\n`, 0o755)
  for (const name of ['simulate', 'work', 'sim', 'postprocess', 'bin/solve'])
    program(name, 'echo "$@"; case "$*" in *31) exit 3;; esac')
  program('bin/mpibatch', `exec ${process.execPath} ${PROGRAM} "$@"`)
  program('bin/npx', 'exec "$@"')
  program('bin/sbatch', 'case "$1" in --array*) shift 2; exec sh -c "$1";; *) exec cat;; esac')
  // Drops its own options, up to the program.
  const launch =
    'while [ $# -gt 0 ]; do case "$1" in mpibatch|npx|node|env|/*/node) exec "$@";; esac; shift; done'
  for (const name of ['mpirun', 'srun']) program(`bin/${name}`, launch)
  mkdirSync(join(place, 'node_modules'))
  symlinkSync(join(REPOSITORY, 'packages/cli'), join(place, 'node_modules/mpibatch'))
  cpSync(join(REPOSITORY, 'examples/09-from-pshmem'), place, { recursive: true })
  write('job.mjs', JOB)
  const numbers = [1, 2, 3]
  for (const name of ['list.txt', 'inputs.txt', 'shared/list.txt']) write(name, `${numbers.join('\n')}\n`)
  for (const name of ['a', 'b', 'c']) write(`data/${name}.txt`, `${name}\n`)
  write('runs.json', JSON.stringify(numbers.map((n) => ({ n }))))
  write('parameters.csv', `beta,gamma\n${numbers.map((n) => `${n},${n}`).join('\n')}\n`)
  return place
}

/** Where a root is there already, 40 tasks of which one has failed, and that of a job. */
function createRoots(): string {
  const place = createPlace()
  for (const root of ['mpibatch.out', 'out'])
    run(place, `mpibatch run --root ${root} --array 1-40 -- ./simulate {}`)
  return place
}

function run(place: string, line: string): { readonly status: number | null; readonly said: string } {
  const environment = { ...process.env, PATH: `${join(place, 'bin')}:${process.env.PATH}` }
  const text = line.replaceAll('/shared/', `${place}/shared/`).replaceAll('/scratch/me', `${place}/shared`)
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', text], {
    cwd: place,
    env: environment,
    encoding: 'utf8',
    timeout: 30_000,
  })
  return { status, said: `${stdout}${stderr}` }
}

/** Whether a line looks at a root that an earlier one has made. */
const looksAtRoot = (line: string): boolean =>
  /mpibatch (status|list|logs|explain|check|retry|recover|rerun|report|export|gc|serve|doctor)\b|--retry-failed|^ls /.test(
    line,
  )

describe.each(
  PAGES.filter((page) => linesOf(page).some((line) => !ELSEWHERE.some((pattern) => pattern.test(line)))),
)('the shell lines of %s', (page) => {
  it('are understood, each by itself', () => {
    const lines = linesOf(page).filter((line) => !ELSEWHERE.some((pattern) => pattern.test(line)))
    const [fresh, used] = [createPlace(), createRoots()]
    for (const line of lines) {
      // A fresh copy for each: what one line has made must not help or hinder the next.
      const place = temporaryDirectory()
      cpSync(looksAtRoot(line) ? used : fresh, place, { recursive: true })
      const { status, said } = run(place, line)
      // Tasks may fail; that the line itself is wrong, the environment, or mpibatch, may not be.
      expect([0, 1], `${line}\n${said}`).toContain(status)
      expect(said, line).not.toMatch(/not found|No such file/)
    }
  })
})
