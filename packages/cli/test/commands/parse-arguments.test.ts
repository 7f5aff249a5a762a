import { ConfigError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import { type OptionTable, parseArguments } from '#src/commands/parse-arguments'

const options: OptionTable = {
  watch: { type: 'boolean', alias: 'w' },
  poll: { type: 'string', requiresArg: true, implies: 'watch' },
  add: { type: 'array', string: true, nargs: 1 },
}
const parse = (...argv: string[]): ReturnType<typeof parseArguments> =>
  parseArguments(argv, { usage: 'status [ROOT]', options })

describe('the words behind a command', () => {
  it('are options with their values, and others', async () => {
    const { words, values } = await parse(
      '1e3',
      '-w',
      '--poll',
      '5',
      '--add=-x',
      '--add',
      'b',
      'c',
      '--',
      '-w',
    )
    expect(words).toEqual(['1e3', 'c', '-w'])
    expect(values).toMatchObject({ watch: true, poll: '5', add: ['-x', 'b'] })
  })

  it.each([
    { argv: ['--poll'], sentence: 'Not enough arguments following: poll. "mpibatch status --help"' },
    { argv: ['--poll', '--watch'], sentence: 'Not enough arguments following: poll' },
    { argv: ['--poll', '5s'], sentence: '--poll means nothing without --watch' },
    { argv: ['--wach'], sentence: 'There is no option --wach. Did you mean --watch?' },
    { argv: ['--constructor'], sentence: 'There is no option --constructor' },
  ])('are refused in a sentence: $argv', async ({ argv, sentence }) => {
    const refused = await parse(...argv).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ConfigError)
    expect((refused as Error).message).toContain(sentence)
  })
})
