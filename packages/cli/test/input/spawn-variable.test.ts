import { ConfigError } from '@mpibatch/batch-core'
import { expect, it } from 'vitest'
import { readSpawning } from '../../src/input/spawn-variable.ts'

it('MPIBATCH_SPAWN asks for the portable way, or for nothing', () => {
  expect(readSpawning('portable')).toBe('portable')
  expect(readSpawning('')).toBeUndefined()
  expect(readSpawning(undefined)).toBeUndefined()
})

it('MPIBATCH_SPAWN with another word is refused', () => {
  expect(() => readSpawning('fork')).toThrow(ConfigError)
  expect(() => readSpawning('fork')).toThrow(/MPIBATCH_SPAWN has "fork"\. Write portable/)
})
