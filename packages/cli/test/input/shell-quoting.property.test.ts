import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '@mpibatch/batch-core'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { compileTemplate, renderTemplate } from '../../src/input/placeholder.ts'
import { quoteForShell } from '../../src/input/shell-quoting.ts'

const SEED = 20_261_121
const directory = mkdtempSync(join(tmpdir(), 'mpibatch-quoting-'))
const proof = join(directory, 'executed')

afterAll(() => rmSync(directory, { recursive: true }))

/** What no shell may ever run, however it is quoted around. */
const HOSTILE = [
  `$(: >${proof})`,
  `\`: >${proof}\``,
  `';: >${proof};'`,
  `";: >${proof};"`,
  `\n: >${proof}\n`,
  `'"\n: >${proof} #`,
  `\\';: >${proof};#`,
  `)\n: >${proof}\n(`,
  `}\n: >${proof}\n{`,
].join('')

const text = fc.string({
  unit: fc.constantFrom('a', ' ', "'", '"', '\\', '\n', '$', '`', '!', '*', '#', '~', 'é', '😀'),
})

function render(line: string, value: string): string {
  const template = compileTemplate(line, { columns: ['1'], facts: [], shell: true })
  return renderTemplate(template, { value: () => value, fact: () => '' }, { shell: true })
}

/** Deadline of one shell; that of the test is far above it, so that a stall shows in which line it was. */
const SHELL_DEADLINE_MS = 10_000
const TEST_DEADLINE_MS = 120_000

describe('quotes around values in a shell line', () => {
  it(`give every value back unchanged, wherever quotes are open (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 30 }), (values) => {
        const lines = values.map((value) =>
          [
            render("printf '%s\\0' {}", value),
            render(`printf '%s\\0' "<{}>"`, value),
            render("printf '%s\\0' '<{}>'", value),
            render(`printf '%s\\0' "$(printf '%s.' {})"`, value),
            render(`printf '%s\\0' "$(printf '%s.' "[{}]")"`, value),
          ].join('\n'),
        )
        const { stdout, status } = spawnSync('/bin/sh', ['-c', lines.join('\n')], { encoding: 'utf8' })
        expect(status).toBe(0)
        expect(stdout.split('\0').slice(0, -1)).toEqual(
          values.flatMap((value) => [value, `<${value}>`, `<${value}>`, `${value}.`, `[${value}].`]),
        )
      }),
      { seed: SEED, numRuns: 60 },
    )
  })

  it(
    `let no value be run, in any line that is not refused (seed ${SEED})`,
    () => {
      const piece = fc.constantFrom(
        ...[
          '{}',
          ' ',
          'echo ',
          "'",
          '"',
          '\\',
          '$(',
          '(',
          ')',
          '$((',
          '))',
          '${x:-',
          '$' + '{y}',
          '}',
          '`',
          '\n',
          '#',
          ' #',
        ],
        ...[
          '<<E',
          '\nE\n',
          ';',
          '&&',
          '|',
          'case x in x',
          ')',
          'esac',
          '$',
          "$'",
          '<',
          '=',
          'x',
          '\\\n',
          '{{',
          '$$',
          '[[',
        ],
      )
      let refused = 0
      let run = 0
      const stalled: string[] = []
      fc.assert(
        fc.property(
          fc.array(piece, { minLength: 1, maxLength: 14 }),
          fc.array(piece, { maxLength: 8 }),
          (before, after) => {
            let line: string
            try {
              line = render([...before, '{}', ...after].join(''), HOSTILE)
            } catch (error) {
              expect(error).toBeInstanceOf(ConfigError)
              refused += 1
              return
            }
            run += 1
            for (const shell of ['/bin/sh', '/bin/bash'].filter((path) => existsSync(path))) {
              const { error } = spawnSync(shell, ['-c', line], {
                cwd: directory,
                timeout: SHELL_DEADLINE_MS,
                input: '',
              })
              if (error !== undefined) stalled.push(`${shell}: ${error.message}: ${JSON.stringify(line)}`)
              const executed = existsSync(proof)
              rmSync(proof, { force: true })
              if (executed) throw new Error(`${shell} ran the value in ${JSON.stringify(line)}`)
            }
          },
        ),
        { seed: SEED, numRuns: 600 },
      )
      // A shell that stalls is no fault of the quotes, but must not go unseen.
      if (stalled.length > 0) console.warn(stalled.join('\n'))
      expect(run).toBeGreaterThan(100)
      expect(refused).toBeGreaterThan(100)
    },
    TEST_DEADLINE_MS,
  )

  it('write an empty value as a word', () => {
    expect(quoteForShell('')).toBe("''")
  })
})
