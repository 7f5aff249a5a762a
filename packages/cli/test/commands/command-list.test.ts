import { describe, expect, it } from 'vitest'
import { LOADED_COMMANDS } from '../../src/commands/command.ts'
import { COMMAND_LIST } from '../../src/commands/command-list.ts'

describe('the commands that help and completion list', () => {
  it('are those that can be run', () => {
    expect(COMMAND_LIST.map(({ name }) => name)).toEqual(LOADED_COMMANDS)
  })
})
