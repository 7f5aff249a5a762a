import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PROGRAM, startNode } from '../support/program.ts'
import { describeWith, systemCalls, workDirectory } from './count-costs.ts'

const BATCH = join(import.meta.dirname, 'programs/run-batch.mjs')

/** The files that a program opens and finds, those of the system left out. */
async function filesOpened(argv: readonly string[], cwd: string): Promise<readonly string[]> {
  const calls = await systemCalls(argv, { cwd })
  return calls.flatMap(({ name, text }) => {
    const [, path] = /^\d+ +openat\([^"]*"([^"]+)"/.exec(text) ?? []
    const ofSystem = path === undefined || /^\/(etc|lib|proc|sys|usr|dev\/null)/.test(path)
    return name !== 'openat' || ofSystem || / = -1 /.test(text) ? [] : [path]
  })
}

const isModule = (path: string): boolean => /\.[cm]?js$/.test(path)

/** What to do when a bound is passed. */
const ADVICE =
  'The program loads more modules than before, which every start pays for. Import what only some commands need where it is ' +
  'used, by await import(), or raise the bound in this file and say why.'

describeWith('strace', 'a command loads no more modules than are known', () => {
  it.each([
    { line: '--version', modulesMax: 5 },
    { line: '--help', modulesMax: 8 },
    { line: 'run --help', modulesMax: 29 },
    { line: 'check root', modulesMax: 17 },
    { line: 'status root', modulesMax: 24 },
    { line: 'list root', modulesMax: 21 },
    { line: 'run --root other --array 1-2 -- true', modulesMax: 76 },
  ])('$line', async ({ line, modulesMax }) => {
    const cwd = workDirectory()
    expect(await startNode([BATCH, 'root', '2', 'none'], { cwd }).ended).toMatchObject({ exitCode: 0 })
    const modules = (await filesOpened([PROGRAM, ...line.split(' ')], cwd)).filter(isModule)
    console.info(`${line} loads ${modules.length} modules.`)
    if (modules.length > modulesMax) expect(modules, ADVICE).toHaveLength(modulesMax)
  })

  it('a job script by itself', async () => {
    const modules = (await filesOpened([BATCH, 'root', '2', 'none'], workDirectory())).filter(isModule)
    console.info(`A job script loads ${modules.length} modules.`)
    if (modules.length > 45) expect(modules, ADVICE).toHaveLength(45)
  })

  it('--version, which opens nothing else but its own description', async () => {
    const files = (await filesOpened([PROGRAM, '--version'], workDirectory())).filter(
      (path) => !isModule(path),
    )
    expect(
      files.filter((path) => !path.endsWith('/package.json')),
      ADVICE,
    ).toEqual([])
  })
})
