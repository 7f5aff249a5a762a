/** Random schedules of the real store over the simulated file system; `npm run test:schedules` plays a million. */
import { describe, expect, it } from 'vitest'
import type { Ablation } from './schedule.ts'
import { mustPlay, playSchedules, seedOf } from './schedule-runs.ts'

const seed = seedOf(20_261_121)
const COUNT = 5000
const isTask = (path: string): boolean => /^\/root\/[ab]$/.test(path)
const isPayload = (path: string): boolean => /\/state\.p\d+\.\w+$/.test(path)
const POWER_CUT = { durability: 'terminal', powerCutStep: 40, sight: 'exact', faultPercent: 0 } as const

describe('random schedules', () => {
  it(`find no fault in the store (${COUNT} of seed ${seed})`, async () => {
    await mustPlay({ seed, end: COUNT })
    expect(await playSchedules({ seed, end: 1 })).toBeUndefined()
  }, 120_000)
})

describe('random schedules find the fault', () => {
  const ABLATIONS: Record<string, Ablation> = {
    'when P3 leaves the payloads of others': {
      ignored: ({ name, path }, instance) => name === 'unlink' && isPayload(path) && !path.endsWith(instance),
      settings: { falseDeathPercent: 6, crashPercent: 0, powerCutStep: undefined },
    },
    'when the slots that were tried are forgotten': {
      forgetsSlots: true,
      settings: { sight: 'weak', medium: 'link', powerCutStep: undefined },
    },
    'when payloads are not synced before a power cut': {
      ignored: ({ name, path }) => name === 'sync' && isPayload(path),
      settings: POWER_CUT,
    },
    'when directories are not synced before a power cut': {
      ignored: ({ name, path }) => name === 'sync' && isTask(path),
      settings: { ...POWER_CUT, metadata: 'ordered' },
    },
    'when names may be lost in any order and claims are not synced': {
      settings: { ...POWER_CUT, metadata: 'unordered', claimSync: false },
    },
  }

  it.each(Object.keys(ABLATIONS))('%s', async (name) => {
    const failed = await playSchedules({ seed, end: 3000, ablation: ABLATIONS[name] ?? {} })
    expect(failed).toBeDefined()
  })
})
