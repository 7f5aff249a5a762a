/** docs/cli.md against the program: each option, command, exit code and JSON field stands there, and the reverse. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8')

/** The first cells of the rows of the tables below a heading, up to the next one. */
function firstCells(heading: string): string[] {
  const start = PAGE.indexOf(`\n${heading}\n`)
  if (start < 0) expect.fail(`docs/cli.md has no heading ${heading}`)
  const section = PAGE.slice(start + heading.length + 2).split(/^#/m)[0] ?? ''
  return [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell = '']) => cell)
}

const optionsIn = (text: string): string[] =>
  [...text.matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([option]) => option)
const sorted = (words: Iterable<string>): string[] => [...new Set(words)].sort()

/** Options that help lists at the start of a line, without those that every command has. */
function optionsOfHelp(help: string): string[] {
  const listed = [...help.matchAll(/^\s+(?:-\w, +)?(--[a-z][\w-]*)/gm)].map(([, option = '']) => option)
  return sorted(listed.filter((option) => option !== '--debug' && option !== '--help'))
}

const helpOf = async (...words: string[]): Promise<string> =>
  (await runProgram([...words, '--help'], { cwd: temporaryDirectory() })).stdout

describe('the page on the command line', () => {
  it('has every option of run, and no other', async () => {
    const documented = optionsIn(firstCells('### Options of run').join(' '))
    expect(sorted(documented.filter((option) => option !== '--debug' && option !== '--help'))).toEqual(
      optionsOfHelp(await helpOf('run')),
    )
  })

  it('has every command with its options, and no other', async () => {
    const commands = [...(await helpOf()).matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name = '']) => name)
    const rows = firstCells('## The other commands')
    const nameOf = (row: string): string => /^`(\w+)/.exec(row)?.[1] ?? ''
    expect(sorted(['run', ...rows.map(nameOf)])).toEqual(sorted(commands))
    for (const row of rows.filter((one) => nameOf(one) !== 'submit')) {
      expect({ [nameOf(row)]: sorted(optionsIn(row)) }).toEqual({
        [nameOf(row)]: optionsOfHelp(await helpOf(nameOf(row))),
      })
    }
    const submit = optionsIn(firstCells('### submit').join(' '))
    expect(sorted(submit)).toEqual(optionsOfHelp(await helpOf('submit')))
  })

  it('has every field of the JSON that commands print, and no other', async () => {
    const cwd = temporaryDirectory()
    const line = ['run', '--json', '-c', 'exit {x}', '--from-json', '-']
    const run = await runProgram(line, { cwd, input: '[{"x": 0}, {"x": 1}]' })
    const [status, list, exported] = await Promise.all(
      ['status', 'list', 'export'].map((name) => runProgram([name, '--json'], { cwd })),
    )
    const fieldsIn = (heading: string): string[] =>
      sorted(
        [
          ...firstCells(heading)
            .join(' ')
            .matchAll(/`(\w+)`/g),
        ].map(([, field = '']) => field),
      )
    const fieldsOf = (text = ''): string[] => sorted(Object.keys(JSON.parse(text)))
    expect(fieldsIn('### The summary of run --json')).toEqual(fieldsOf(run.stdout))
    expect(fieldsIn('### The object of status --json')).toEqual(fieldsOf(status?.stdout))
    expect(fieldsIn('### The objects of list --json')).toEqual(
      sorted(Object.keys(JSON.parse(list?.stdout ?? '')[0])),
    )
    expect(fieldsIn('### The lines of export')).toEqual(fieldsOf(exported?.stdout.split('\n')[0]))
  })

  it('has every exit code, and no other', () => {
    const source = readFileSync(join(import.meta.dirname, '../../packages/cli/src/exit-code.ts'), 'utf8')
    const codes = [...source.matchAll(/^ {2}\w+: (\d+),$/gm)].map(([, code = '']) => code)
    const rows = [...PAGE.slice(PAGE.indexOf('## Exit codes')).matchAll(/^\| ([\d, ]+) \|/gm)]
    expect(sorted(rows.flatMap(([, cell = '']) => cell.split(', ')))).toEqual(sorted(codes))
  })
})
