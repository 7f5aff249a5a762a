import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COMMAND_LIST } from '../../src/commands/command-list.ts'
import { completionScript, SHELLS } from '../../src/completion/completion-script.ts'
import { RUN_OPTIONS } from '../../src/input/run-option-table.ts'
import { useTempFiles } from '../input/temp-files.ts'

const files = useTempFiles()
files.write('words.csv', '')
const script = files.write('mpibatch.bash', completionScript('bash'))

function shellOf(name: string): string | undefined {
  return [`/bin/${name}`, `/usr/bin/${name}`, `/usr/local/bin/${name}`].find((path) => existsSync(path))
}

/** What bash offers for the last word. */
function complete(...words: string[]): string[] {
  const lines = [
    `source ${script}`,
    'COMP_WORDS=("$@")',
    'COMP_CWORD=$(($# - 1))',
    '_mpibatch',
    'for reply in "$' + '{COMPREPLY[@]}"; do printf "%s\\n" "$reply"; done',
  ]
  const child = spawnSync('bash', ['-c', lines.join('\n'), 'bash', 'mpibatch', ...words], {
    cwd: files.directory,
    encoding: 'utf8',
  })
  expect(child.stderr).toBe('')
  return child.stdout.split('\n').slice(0, -1).sort()
}

describe('completion', () => {
  it.each(SHELLS)('for %s names every command and every option of run', (shell) => {
    const text = completionScript(shell)
    for (const { name } of COMMAND_LIST) expect(text).toContain(name)
    for (const { name } of RUN_OPTIONS) expect(text).toContain(name)
  })

  for (const shell of SHELLS) {
    const path = shellOf(shell)
    it.skipIf(path === undefined)(`for ${shell} is a script that ${shell} accepts`, () => {
      const child = spawnSync(path ?? '', ['-n', files.write(`script.${shell}`, completionScript(shell))], {
        encoding: 'utf8',
      })
      expect(child.stderr).toBe('')
      expect(child.status).toBe(0)
    })
  }

  it('offers the commands first', () => {
    expect(complete('re')).toEqual(['recover', 'report', 'rerun', 'retry'])
    expect(complete('')).toEqual(COMMAND_LIST.map(({ name }) => name).sort())
  })

  it('offers the options of run', () => {
    expect(complete('run', '--ret')).toEqual(['--retries', '--retry-delay', '--retry-failed'])
    expect(complete('run', '-j', '4', '--ste')).toEqual(['--steal-running'])
    expect(complete('run', '-')).toContain('-c')
  })

  it('offers what an option takes', () => {
    expect(complete('run', '--order', '')).toEqual(['given', 'longest', 'shuffle'])
    expect(complete('run', '--logs', 'f')).toEqual(['failed'])
    expect(complete('run', '--csv', 'wo')).toEqual(['words.csv'])
    expect(complete('run', '--root', 'wo')).toEqual([])
    expect(complete('run', '--timeout', '')).toEqual([])
  })

  it('offers programs behind --, and files behind those and behind :::', () => {
    expect(complete('run', '--', 'bas')).toContain('bash')
    expect(complete('run', '--', 'cat', 'wo')).toEqual(['words.csv'])
    expect(complete('run', '--', 'cat', '--ret')).toEqual([])
    expect(complete('run', '--', 'cat', ':::', 'wo')).toEqual(['words.csv'])
  })

  it('offers the shells behind completion, and files behind the other commands', () => {
    expect(complete('completion', '')).toEqual(['bash', 'fish', 'zsh'])
    expect(complete('status', 'wo')).toEqual(['words.csv'])
  })
})
