import { expect, it } from 'vitest'
import { ownCommand } from '../../src/run/own-command.ts'

it.each([
  [['run', '-j', '2', '--', 'work', 'a b'], "run -j 2 -- work 'a b'"],
  [['run', '--supervised', 'mpibatch-0123', '-j', '2', '--', 'work'], 'run -j 2 -- work'],
  [['submit', '--inside=19', '-t', '60', '--', 'run', '-j', '2', '--', 'work'], 'run -j 2 -- work'],
])('a command is told as a person would type it: %j', (argv, command) => {
  expect(ownCommand(argv)).toBe(command)
})
