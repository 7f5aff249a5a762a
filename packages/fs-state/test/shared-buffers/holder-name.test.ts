import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ownIdentity } from '../../src/process-identity.ts'
import {
  createHolderName,
  isAbandoned,
  isHolderName,
  isOnMachineOf,
} from '../../src/shared-buffers/holder-name.ts'
import { bufferOpener, freshDirectory, pretendHolder } from './buffers-harness.ts'

const self = ownIdentity()
const OTHER_BOOT = '00000000-0000-4000-8000-000000000000'
// A process of this number lives, but is another one.
const ended = { ...self, startTime: '1' }

describe('the name of a holder', () => {
  it('is a safe name, differs each time, and tells the machine', () => {
    const names = [createHolderName(self), createHolderName(self)]
    expect(new Set(names).size).toBe(2)
    for (const name of names) {
      expect(isHolderName(name)).toBe(true)
      expect(name).toMatch(/^[0-9a-f.-]+$/)
      expect(isOnMachineOf(self, name)).toBe(true)
      expect(isOnMachineOf({ ...self, bootId: OTHER_BOOT }, name)).toBe(false)
    }
    for (const name of ['', '.', '..', 'probe', `${names[0]}/..`, `x${names[0]}`, `${names[0]}x`])
      expect(isHolderName(name)).toBe(false)
  })

  it('is made also where the system says little of processes', () => {
    const name = createHolderName({ ...self, bootId: '', pidNamespace: '', startTime: '' })
    expect(isHolderName(name)).toBe(true)
    expect(isAbandoned({ ...self, bootId: '' }, name, true)).toBe(false)
  })

  it.each<[string, typeof self, boolean, boolean]>([
    ['of a process that lives', self, true, false],
    ['of one that has ended', ended, true, true],
    ['of another container', { ...ended, pidNamespace: 'pid:[1]' }, true, false],
    ['of an old boot, on a local disk', { ...self, bootId: OTHER_BOOT }, true, true],
    ['of another boot, on a shared disk', { ...ended, bootId: OTHER_BOOT }, false, false],
  ])('%s tells whether it is abandoned', (_, process, isLocal, isGone) => {
    expect(isAbandoned(self, createHolderName(process), isLocal)).toBe(isGone)
  })
})

describe('a new holder', () => {
  it('removes what ended ones have left, and nothing else', async () => {
    const directory = freshDirectory(tmpdir())
    const abandoned = pretendHolder(directory, createHolderName(ended))
    const living = pretendHolder(directory, createHolderName(self))
    const unknown = pretendHolder(directory, 'something else')
    for (const own of [abandoned, living, unknown]) writeFileSync(join(own, 'f'.repeat(32)), 'text')
    mkdirSync(join(directory, 'beside'))
    await bufferOpener(directory)()
    expect([abandoned, living, unknown, join(directory, 'beside')].map((path) => existsSync(path))).toEqual([
      ...[false, true, true, true],
    ])
  })
})
