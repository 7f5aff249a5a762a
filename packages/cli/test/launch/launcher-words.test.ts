import { describe, expect, it } from 'vitest'
import { endingTogether, splitLauncher } from '../../src/launch/launcher-words.ts'

describe('the words of a launcher', () => {
  it.each([
    ['mpirun -n 64', ['mpirun', '-n', '64']],
    ['  srun\t--mpi=pmix\n', ['srun', '--mpi=pmix']],
    [`mpirun -x 'A=b c' "d 'e'"`, ['mpirun', '-x', 'A=b c', "d 'e'"]],
    [`a\\ b --c="d e"f ''`, ['a b', '--c=d ef', '']],
    [`"a\\"b" 'c\\d' $HOME`, ['a"b', 'c\\d', '$HOME']],
  ])('of %j are parted at blanks and held by quotes, and nothing is expanded', (text, words) => {
    expect(splitLauncher(text)).toEqual(words)
  })

  it.each([
    ['', /was given nothing/],
    ['  ', /was given nothing/],
    ["mpirun 'x", /a ' that is never closed/],
  ])('are refused for %j', (text, message) => {
    expect(() => splitLauncher(text)).toThrow(message)
  })

  it('make srun end all ranks with one, unless the user says otherwise', () => {
    expect(endingTogether(['env', 'A=1', '/usr/bin/srun', '-K0', '-n4'])).toEqual([
      ...['env', 'A=1', '/usr/bin/srun', '--kill-on-bad-exit=1', '-K0', '-n4'],
    ])
    expect(endingTogether(['mpirun', '-n', '4'])).toEqual(['mpirun', '-n', '4'])
  })
})
