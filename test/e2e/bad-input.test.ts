import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

interface BadInput {
  readonly title: string
  readonly argv: readonly string[]
  readonly exitCode?: number
  /** Must stand in the sentence. */
  readonly says: RegExp
  readonly prepare?: (cwd: string) => void
}

const file = (name: string, content: string | Buffer) => (cwd: string) =>
  writeFileSync(join(cwd, name), content)
const named = (...names: string[]): string[] => ['run', '--name', '{}', '--', 'true', '{}', ':::', ...names]

const BAD_INPUTS: readonly BadInput[] = [
  { title: 'a name that leaves the root', argv: named('../x'), says: /\.\.\/x/ },
  { title: 'an absolute name', argv: named('/etc/x'), says: /\/etc\/x/ },
  { title: 'an empty name', argv: named(''), says: /empty/ },
  { title: 'the name of the root itself', argv: named('.'), says: /"\."/ },
  { title: 'the name of our own directory', argv: named('.mpibatch'), says: /\.mpibatch/ },
  { title: 'a name longer than the file system allows', argv: named('x'.repeat(256)), says: /256 bytes/ },
  { title: 'two tasks alike', argv: named('a', 'b', 'a'), says: /"a"/ },
  { title: 'a name with a line break', argv: named('a\nb'), says: /control character/ },
  {
    title: 'an unknown placeholder',
    argv: ['run', '--', 'echo', '{nonsense}', ':::', 'a'],
    says: /\{nonsense\}/,
  },
  {
    title: 'an unknown column',
    argv: ['run', '--csv', 't.csv', '--', 'echo', '{gama}'],
    says: /gama.*gamma/s,
    prepare: file('t.csv', 'beta,gamma\n1,2\n'),
  },
  {
    title: 'an empty list',
    argv: ['run', '-a', 'empty', '--', 'true'],
    says: /empty/,
    prepare: file('empty', ''),
  },
  { title: 'a list that is not there', argv: ['run', '-a', 'nowhere', '--', 'true'], says: /nowhere/ },
  { title: 'a list that is a directory', argv: ['run', '-a', '.', '--', 'true'], says: /director/ },
  {
    title: 'a list with a NUL character',
    argv: ['run', '-a', 'list', '--', 'true'],
    says: /NUL/,
    prepare: file('list', 'a\0b\n'),
  },
  {
    title: 'a torn table',
    argv: ['run', '--csv', 't.csv', '--', 'true', '{a}'],
    says: /line 3/,
    prepare: file('t.csv', 'a,b\n1,2\n3'),
  },
  {
    title: 'a table that ends inside quotes',
    argv: ['run', '--csv', 't.csv', '--', 'true', '{a}'],
    says: /t\.csv/,
    prepare: file('t.csv', 'a,b\n1,"2\n'),
  },
  {
    title: 'malformed JSON lines, with the line',
    argv: ['run', '--from-json', 't.json', '--', 'true', '{a}'],
    says: /line 2/,
    prepare: file('t.json', '{"a":1}\n{"a":\n'),
  },
  {
    title: 'a malformed JSON array, with the line',
    argv: ['run', '--from-json', 't.json', '--', 'true', '{a}'],
    says: /line 3/,
    prepare: file('t.json', '[\n{"a":1},\n{"a":}\n]\n'),
  },
  { title: 'jobs that are no number', argv: ['run', '-j', 'many', '--', 'true', ':::', 'a'], says: /many/ },
  {
    title: 'a size that is no number',
    argv: ['run', '--retries', 'x', '--', 'true', ':::', 'a'],
    says: /retries/,
  },
  {
    title: 'a duration that is none',
    argv: ['run', '--timeout', 'soon', '--', 'true', ':::', 'a'],
    says: /soon/,
  },
  { title: 'a range that is none', argv: ['run', '--array', '9-', '--', 'true'], says: /9-/ },
  {
    title: 'two sources at once',
    argv: ['run', '--array', '1-3', '--', 'true', ':::', 'a'],
    says: /--array.*:::|:::.*--array/s,
  },
  { title: 'an unknown option', argv: ['run', '--retrys', '3', '--', 'true', ':::', 'a'], says: /--retries/ },
  { title: 'an unknown command', argv: ['rum'], says: /"run"/ },
  { title: 'a command without --', argv: ['run', 'echo', 'a'], says: /--/ },
  { title: 'nothing to run', argv: ['run'], says: /COMMAND|command/ },
  {
    title: 'a command that does not exist',
    argv: ['run', '--', 'no-such-program', ':::', 'a'],
    says: /no-such-program/,
  },
  { title: 'a job script that does not exist', argv: ['run', 'nowhere.mjs'], says: /nowhere\.mjs/ },
  {
    title: 'ranks that do not fill groups',
    argv: ['run', '-j', '3', '--group-size', '2', 'job.mjs'],
    says: /2 or 4/,
    prepare: file('job.mjs', "throw new Error('not to be run')\n"),
  },
  { title: 'a list of tasks that nobody gave', argv: ['run', '--', 'true'], says: /mpibatch\.out|task/ },
  {
    title: 'a root that is a file',
    argv: ['run', '--root', 'taken', '--', 'true', ':::', 'a'],
    exitCode: 3,
    says: /taken/,
    prepare: file('taken', 'mine'),
  },
  {
    title: 'a root below a file',
    argv: ['run', '--root', 'taken/root', '--', 'true', ':::', 'a'],
    exitCode: 3,
    says: /taken\/root/,
    prepare: file('taken', 'mine'),
  },
  {
    title: 'a root where no directory can be made',
    argv: ['run', '--root', '/proc/mpibatch/root', '--', 'true', ':::', 'a'],
    exitCode: 3,
    says: /\/proc\/mpibatch/,
  },
  {
    title: 'a value that is not UTF-8',
    argv: ['run', '--', 'true', ':::', '\ufffd'],
    says: /UTF-8/,
  },
  {
    title: 'a root behind a dangling link',
    argv: ['run', '--root', 'link', '--', 'true', ':::', 'a'],
    exitCode: 3,
    says: /link/,
    prepare: (cwd) => symlinkSync('nowhere', join(cwd, 'link')),
  },
]

describe('bad input', () => {
  it.each(BAD_INPUTS)(
    'gets one clear sentence, and changes nothing: $title',
    async ({ argv, exitCode, says, prepare }) => {
      const cwd = temporaryDirectory()
      prepare?.(cwd)
      const before = readdirSync(cwd)
      const ended = await runProgram(argv, { cwd })
      expect(ended.stderr).toMatch(says)
      expect(ended.exitCode, ended.stderr).toBe(exitCode ?? 2)
      expect(ended.stderr).not.toMatch(/\n {4}at /)
      expect(ended.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(3)
      expect(ended.stdout).toBe('')
      expect(readdirSync(cwd)).toEqual(before)
    },
  )

  it('names a state file with unknown text, and leaves that task alone', async () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, 'mpibatch.out', 'b'), { recursive: true })
    writeFileSync(join(cwd, 'mpibatch.out', 'b', 'state'), 'PERHAPS\n')
    const ended = await runProgram(['run', '--name', '{}', '--', 'true', '{}', ':::', 'a', 'b'], { cwd })
    expect(ended.exitCode).toBe(1)
    expect(ended.stderr).toMatch(/mpibatch\.out\/b\/state/)
    expect(readdirSync(join(cwd, 'mpibatch.out', 'b'))).toEqual(['state'])
    expect((await runProgram(['check'], { cwd })).exitCode).toBe(1)
  })

  it('does not follow a task directory that is a link out of the root', async () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, 'elsewhere'))
    mkdirSync(join(cwd, 'mpibatch.out'))
    symlinkSync('../elsewhere', join(cwd, 'mpibatch.out', 'a'))
    const ended = await runProgram(['run', '--name', '{}', '-c', 'touch {dir}/x; : {}', ':::', 'a'], { cwd })
    expect(ended.exitCode).toBe(1)
    expect(ended.stderr).toMatch(/mpibatch\.out\/a/)
    expect(readdirSync(join(cwd, 'elsewhere'))).toEqual([])
  })

  it.skipIf(process.getuid?.() === 0)('refuses a root that is read-only', async () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, 'root'))
    chmodSync(join(cwd, 'root'), 0o555)
    const ended = await runProgram(['run', '--root', 'root', '--', 'true', ':::', 'a'], { cwd })
    expect(ended.exitCode).toBe(3)
    expect(existsSync(join(cwd, 'root', '.mpibatch'))).toBe(false)
  })
})
