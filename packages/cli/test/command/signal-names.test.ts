import { execFileSync } from 'node:child_process'
import { constants } from 'node:os'
import { expect, it } from 'vitest'
import { signalName, signalNumber } from '../../src/command/signal-names.ts'

it('a signal has the name that Node gives it, and that name its number', () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    expect(signalNumber(name)).toBe(number)
    expect(constants.signals).toHaveProperty(signalName(number), number)
  }
  expect(signalName(6)).toBe('SIGABRT')
})

it('a real-time signal is named as kill -l counts, and that name leads to its number', () => {
  for (let number = 34; number <= 49; number += 1) {
    const name = execFileSync('bash', ['-c', `kill -l ${number}`], { encoding: 'utf8' }).trim()
    expect(signalName(number)).toBe(`SIG${name.replace(/^SIG/, '')}`)
    expect(signalNumber(signalName(number))).toBe(number)
  }
})

it('a number without a name is told as it is, and a name of no signal has no number', () => {
  expect(signalName(33)).toBe('SIG33')
  expect(signalNumber('SIGNONE')).toBeUndefined()
})
