import { describe, expect, it } from 'vitest'
import { batchScript } from '../src/submit/batch-script.ts'
import { goesOn } from '../src/submit/continuation.ts'
import { parseSlurmTime, printSlurmTime } from '../src/submit/slurm-time.ts'
import { readSubmitOptions } from '../src/submit/submit-options.ts'

describe('a time limit', () => {
  it.each([
    ['90', 5400],
    ['5:30', 330],
    ['1:30:00', 5400],
    ['2-00', 172_800],
    ['2-12:30', 217_800],
    ['1-00:00:30', 86_430],
    ['1h30m', 5400],
    ['45s', 45],
  ])('is read as sbatch does, or with units: %s', (text, seconds) => {
    expect(parseSlurmTime(text)).toBe(seconds)
    expect(parseSlurmTime(printSlurmTime(seconds))).toBe(seconds)
  })

  it.each(['0', 'tomorrow', '1:2:3:4', '-1'])('is refused where it is none: %s', (text) => {
    expect(() => parseSlurmTime(text)).toThrow('--time was given')
  })
})

describe('the options of submit', () => {
  it('leave a quarter of the time for draining, a minute at least and five at most', () => {
    const drainOf = (time: string): number => readSubmitOptions({ time }).drainSeconds
    expect(['1-00', '10', '2', '1'].map(drainOf)).toEqual([300, 150, 60, 30])
    expect(readSubmitOptions({}).drainSeconds).toBe(300)
    expect(() => readSubmitOptions({ time: '10', drain: '10m' })).toThrow('shorter than --time')
  })

  it('hand on to sbatch what is for it, and nothing that breaks out of its line', () => {
    const { sbatch, needsLauncher } = readSubmitOptions({
      partition: 'long',
      exclusive: true,
      sbatch: ['--begin=noon'],
    })
    expect(sbatch).toEqual(['--partition=long', '--exclusive', '--begin=noon'])
    expect(needsLauncher).toBe(false)
    expect(readSubmitOptions({ nodes: '2' }).needsLauncher).toBe(true)
    expect(() => readSubmitOptions({ 'job-name': 'a\nrm -rf /' })).toThrow('control characters')
  })
})

it('a script quotes for sbatch and for the shell what they would take apart', () => {
  const options = readSubmitOptions({ time: '1:00', 'job-name': 'a "b" c' })
  const runWords = ['-c', "echo '{}' $HOME", ':::', 'a b']
  const script = batchScript({
    options,
    left: 3,
    program: ['/n o/node', '/m'],
    submitWords: ['-t', '1'],
    runWords,
  })
  const lines = script.split('\n')
  expect(lines).toContain('#SBATCH "--job-name=a \\"b\\" c"')
  expect(lines.at(-2)).toBe(
    `exec '/n o/node' /m submit --inside=3 -t 1 -- run -c 'echo '\\''{}'\\'' $HOME' ::: 'a b'`,
  )
})

describe('a job goes on in another one', () => {
  const ended = { exitCode: 143, isDrained: true, hasTimeLimit: false, isCancelled: false }

  it('where its time has ended the run', () => {
    expect(goesOn(ended)).toBe(true)
    expect(goesOn({ ...ended, isDrained: false, hasTimeLimit: true })).toBe(true)
  })

  it.each([
    ['all is done', { exitCode: 0 }],
    ['tasks failed, or a policy halted it', { exitCode: 1 }],
    ['it could not run', { exitCode: 3 }],
    ['it was cancelled', { isCancelled: true }],
    ['another signal has ended it', { isDrained: false }],
  ])('but not where %s', (_why, change) => {
    expect(goesOn({ ...ended, ...change })).toBe(false)
  })
})
