import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import {
  hasEnded,
  isBeforeReboot,
  isGone,
  isSameMachine,
  ownIdentity,
  parseProcessStat,
} from '../src/process-identity.ts'

const stat = (command: string, state = 'S', threads = 1): string =>
  `4242 (${command}) ${state} 17 4242 4242 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 ${threads} 0 987654 1000 10 18446744073709551615\n`

describe('the identity of a process', () => {
  it('tells a boot before this one, where both boots are known', () => {
    const self = { ...ownIdentity(), bootId: 'now' }
    expect(isBeforeReboot(self, { ...self, bootId: 'before' })).toBe(true)
    expect(isBeforeReboot(self, self)).toBe(false)
    expect(isBeforeReboot(self, { ...self, bootId: '' })).toBe(false)
  })

  it('is not read from less than a whole line', () => {
    expect(parseProcessStat('')).toBeUndefined()
    expect(parseProcessStat('4242 (node) S 17')).toBeUndefined()
  })

  it('takes a zombie for ended, but not while threads of it are at work', () => {
    const parsed = (threads: number): boolean => {
      const found = parseProcessStat(stat('node', 'Z', threads))
      return found !== undefined && hasEnded(found)
    }
    expect(parsed(1)).toBe(true)
    expect(parsed(3)).toBe(false)
  })

  it('says that this process runs', () => {
    expect(isGone(ownIdentity())).toBe(false)
  })

  it('is not fooled by a pid that is in use again', () => {
    expect(isGone({ ...ownIdentity(), startTime: '1' })).toBe(true)
  })

  it('says that an ended process is gone', async () => {
    const child = spawn('true')
    const { pid } = child
    await once(child, 'close')
    expect(pid).toBeDefined()
    expect(isGone({ ...ownIdentity(), pid: pid ?? 0 })).toBe(true)
  })

  it('belongs to another machine after a boot, and in another container', () => {
    const self = ownIdentity()
    expect(isSameMachine(self, self)).toBe(true)
    expect(isSameMachine(self, { ...self, bootId: 'other' })).toBe(false)
    expect(isSameMachine(self, { ...self, pidNamespace: 'pid:[1]' })).toBe(false)
    expect(isSameMachine({ ...self, bootId: '' }, { ...self, bootId: '', host: 'other' })).toBe(false)
  })
})
