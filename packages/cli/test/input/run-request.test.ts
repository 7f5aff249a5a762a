import { availableParallelism } from 'node:os'
import { describe, expect, it } from 'vitest'
import { splitRunArguments, withoutOptions } from '../../src/input/arguments.ts'
import { nearest } from '../../src/input/nearest.ts'
import { parseRunOptions, runOptionsHelp } from '../../src/input/options.ts'
import { RUN_OPTIONS } from '../../src/input/run-option-table.ts'
import { readRunRequest } from '../../src/input/run-request.ts'

function split(line: string): ReturnType<typeof splitRunArguments> {
  return splitRunArguments(line.split(' '))
}

describe('the words behind run', () => {
  it('are options up to --, and a command behind it', () => {
    expect(split('-j 4 --root=out -- echo -n --')).toMatchObject({
      options: ['-j', '4', '--root=out'],
      command: ['echo', '-n', '--'],
      script: undefined,
      lists: [],
    })
  })

  it('end in lists, in which nothing is an option', () => {
    const { command, lists } = split('-- echo x ::: a -j -- :::+ 1 2 :::: f :::: g')
    expect(command).toEqual(['echo', 'x'])
    expect(lists).toEqual([
      { kind: 'values', paired: false, words: ['a', '-j', '--'] },
      { kind: 'values', paired: true, words: ['1', '2'] },
      { kind: 'files', paired: false, words: ['f'] },
      { kind: 'files', paired: false, words: ['g'] },
    ])
  })

  it('may have lists behind the line of -c, and behind a job script', () => {
    expect(split('-c LINE ::::+ f')).toMatchObject({
      options: ['-c', 'LINE'],
      command: undefined,
      lists: [{ kind: 'files', paired: true, words: ['f'] }],
    })
    expect(split('job.mjs ::: a')).toMatchObject({ script: 'job.mjs', lists: [{ words: ['a'] }] })
  })

  it.each(['a.js', 'a.mjs', 'a.cjs', 'a.ts', 'a.mts', 'dir/a.cts'])('know %s as a job script', (script) => {
    expect(split(`-j 2 ${script} --root out -- -x y`)).toMatchObject({
      options: ['-j', '2', '--root', 'out'],
      script,
      scriptArguments: ['-x', 'y'],
      command: undefined,
    })
  })

  it('know the value of an option from a job script', () => {
    expect(split('--root out.js job.mjs').script).toBe('job.mjs')
    expect(split('--dry-run job.mjs').script).toBe('job.mjs')
    expect(split('-j2 job.mjs').script).toBe('job.mjs')
  })

  it.each([
    ['echo hello', /"echo" is no option and no job script .* mpibatch run -- echo …/],
    ['-j 2 echo', /Put -- before a command/],
    ['-', /"-" is no option/],
    ['job.mjs x', /"x" follows the job script job\.mjs\. Put -- before/],
    ['--retires 3 -- x', /no option --retires\. Did you mean --retries\?/],
    ['--jbos=3 -- x', /Did you mean --jobs\?/],
    ['--retry -- x', /no option --retry\. Did you mean --/],
    ['--frobnicate -- x', /no option --frobnicate\. See "mpibatch run --help"/],
    ['-x -- x', /no option -x\./],
    ['--j 3 -- x', /no option --j\b/],
  ])('are refused for %j', (line, message) => {
    expect(() => readRunRequest(line.split(' '))).toThrow(message)
  })

  it('start ranks again only where a launcher starts them', () => {
    expect(parseRunOptions(['--launcher', 'mpirun -n 4'])).toMatchObject({
      launcher: 'mpirun -n 4',
      restarts: 3,
    })
    expect(() => parseRunOptions(['--restarts', '2'])).toThrow(/--restarts .* Give --launcher/)
  })

  it('are handed on without some options, wherever those stand, but not behind a command or list', () => {
    const line = '-j 4 --launcher=x -c --launcher --restarts 2 job.mjs --root a -- --launcher y'
    expect(withoutOptions(line.split(' '), ['launcher', 'restarts'])).toEqual(
      '-j 4 -c --launcher job.mjs --root a -- --launcher y'.split(' '),
    )
    expect(withoutOptions(['--launcher', 'a b', ':::', '--restarts', '-j'], ['launcher'])).toEqual([
      ':::',
      '--restarts',
      '-j',
    ])
  })

  it('ask for one thing to run', () => {
    expect(readRunRequest(['--', 'echo', '{}']).work).toEqual({ kind: 'words', words: ['echo', '{}'] })
    expect(readRunRequest(['-c', 'echo {}', ':::', 'a'])).toMatchObject({
      work: { kind: 'shell', line: 'echo {}' },
      source: { kind: 'lists' },
    })
    expect(readRunRequest(['job.mjs', '--', '-x']).work).toEqual({
      kind: 'script',
      path: 'job.mjs',
      scriptArguments: ['-x'],
    })
    expect(() => readRunRequest([])).toThrow(/nothing to run/)
    expect(() => readRunRequest([':::', 'a'])).toThrow(/nothing to run/)
    expect(() => readRunRequest(['--'])).toThrow(/no command behind --/)
    expect(() => readRunRequest(['-c', 'x', '--', 'y'])).toThrow(
      /There are -c 'LINE' and a command behind --/,
    )
    expect(() => readRunRequest(['-c', 'x', 'job.mjs'])).toThrow(/-c 'LINE' and the job script job\.mjs/)
    expect(() => readRunRequest(['-a', 'f', '--', 'x', ':::', 'a'])).toThrow(/-a and ::: at once/)
  })

  it('ask for help without anything else', () => {
    expect(readRunRequest(['--help']).work).toBeUndefined()
    expect(readRunRequest(['-h']).options.help).toBe(true)
  })
})

describe('the options of run', () => {
  it('have the documented defaults', () => {
    const options = parseRunOptions([])
    expect(options).toEqual({
      root: 'mpibatch.out',
      nameTemplate: 'task_{#}',
      liveness: {},
      wait: false,
      jobs: availableParallelism(),
      groupSize: 1,
      groupExec: 'leader',
      launcher: undefined,
      restarts: 3,
      retries: 0,
      retryDelayMs: 1000,
      crashLimit: 5,
      timeoutMs: undefined,
      halt: undefined,
      retryFailed: false,
      rerun: false,
      stealRunning: false,
      acceptChanges: false,
      order: 'given',
      inTaskDirectory: false,
      environment: {},
      logs: 'all',
      durability: 'terminal',
      progress: 'auto',
      dryRun: false,
      json: false,
      debug: false,
      help: false,
      shellLine: undefined,
      source: {},
      given: new Set(),
    })
  })

  it('are read in each of their spellings', () => {
    for (const words of [['-j4'], ['-j', '4'], ['--jobs', '4'], ['--jobs=4'], ['-j=4']]) {
      expect(parseRunOptions(words).jobs).toBe(4)
      expect([...parseRunOptions(words).given]).toEqual(['jobs'])
    }
    expect(parseRunOptions(['-a', '-']).source).toEqual({ argFile: '-' })
    expect(parseRunOptions(['--arg-file=x']).source).toEqual({ argFile: 'x' })
  })

  it('turn their texts into values', () => {
    const line =
      '--retries 3 --retry-delay 500ms --timeout 1h30m --halt soon,fail=10% --group-size 2 --order longest'
    expect(
      parseRunOptions(
        `${line} --logs failed --durability full --progress none --name n_{1} --json`.split(' '),
      ),
    ).toMatchObject({
      retries: 3,
      retryDelayMs: 500,
      timeoutMs: 5_400_000,
      halt: { when: 'soon', on: 'fail', threshold: 10, percent: true },
      groupSize: 2,
      order: 'longest',
      logs: 'failed',
      durability: 'full',
      progress: 'none',
      nameTemplate: 'n_{1}',
      json: true,
    })
    expect(parseRunOptions(['--fail-fast']).halt).toMatchObject({ when: 'now', on: 'fail', threshold: 1 })
    expect(parseRunOptions(['--halt', 'never']).halt).toBeUndefined()
  })

  it('take texts as they stand, whatever they look like', () => {
    expect(parseRunOptions(['-c', 'echo "a b"; ls -l\n']).shellLine).toBe('echo "a b"; ls -l\n')
    expect(parseRunOptions(['--name=-x=y']).nameTemplate).toBe('-x=y')
    expect(parseRunOptions(['--name', '0x10']).nameTemplate).toBe('0x10')
    expect(parseRunOptions(['--array', '007']).source.array).toBe('007')
  })

  it('gather the environment', () => {
    const options = parseRunOptions(['--env', 'A=1', '--env', 'B=x=y z\n', '--env=C='])
    expect(options.environment).toEqual({ A: '1', B: 'x=y z\n', C: '' })
  })

  it.each([
    [['--jobs'], /--jobs needs a value: --jobs N\|P%/],
    [['-j'], /--jobs needs a value/],
    [['--name', '-x'], /--name needs a value.* in one word, --name=-x/],
    [['-c'], /-c needs a value: -c LINE/],
    [['-j4', '-j', '5'], /--jobs was given 2 times/],
    [['-a', 'x', '--arg-file', 'y'], /--arg-file was given 2 times/],
    [['--jobs', 'many'], /--jobs was given "many"/],
    [['--group-size', '0'], /--group-size was given "0".* from 1 to 4096/],
    [['--group-size', '1.5'], /--group-size was given "1.5"/],
    [['--retries', 'x'], /--retries was given "x".* from 0 to 1000/],
    [['--retries=-1'], /--retries was given "-1"/],
    [['--crash-limit', '0'], /--crash-limit was given "0"/],
    [['--retry-delay', 'long'], /--retry-delay was given "long", which is no duration/],
    [['--timeout', '0'], /--timeout was given 0/],
    [['--timeout', '5x'], /no duration/],
    [['--halt', 'x'], /--halt was given "x"/],
    [['--halt', 'now,fail=2', '--fail-fast'], /--fail-fast and --halt/],
    [['--order', 'random'], /--order was given "random"; it takes given, longest, shuffle/],
    [['--logs='], /--logs was given ""; it takes all, failed, none/],
    [['--root='], /--root was given an empty name/],
    [['--csv='], /--csv was given an empty name/],
    [['--env', 'A'], /--env was given "A"; write it as NAME=VALUE/],
    [['--env', '1A=x'], /NAME=VALUE/],
    [['--env', 'A=1', '--env', 'A=2'], /--env was given A twice/],
    [['--env', 'MPIBATCH_ROOT=x'], /set by mpibatch itself/],
    [['--rerun=no'], /--rerun takes no value/],
    [['--no-json'], /no option --no-json/],
    [['--env.A=1'], /no option --env\.A/],
  ])('are refused in %j', (words, message) => {
    expect(() => parseRunOptions(words)).toThrow(message)
  })

  it('have a line of help each', () => {
    const help = runOptionsHelp()
    for (const { name, description } of RUN_OPTIONS) {
      expect(help).toContain(name.length === 1 ? `-${name} ` : `--${name}`)
      expect(help).toContain(description)
    }
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThan(130)
  })
})

describe('the nearest name', () => {
  it('is the one with the fewest slips, and none when all are far', () => {
    const names = ['run', 'rerun', 'retry', 'recover', 'status']
    expect(nearest('stauts', names)).toBe('status')
    expect(nearest('retyr', names)).toBe('retry')
    expect(nearest('rnu', names)).toBe('run')
    expect(nearest('stat', names)).toBe('status')
    expect(nearest('launch', names)).toBeUndefined()
    expect(nearest('', names)).toBeUndefined()
  })
})
