import type { StoreDurability } from '../../src/append.ts'
import type { RandomSource } from './random-source.ts'

/** What kind of world a schedule plays in. */
export interface ScheduleSettings {
  readonly durability: StoreDurability
  readonly metadata: 'ordered' | 'unordered'
  readonly claimSync: boolean
  /**
   * What instances see of each other: everything at once; what an NFS client shows; anything of the past, their own
   * changes too.
   */
  readonly sight: 'exact' | 'nfs' | 'weak'
  /** In so many of 100 requests the answer is that to a repetition. */
  readonly replayPercent: number
  /** So many of 100 calls fail. */
  readonly faultPercent: number
  /** So many of 100 steps crash an instance; as many again declare one dead that lives. */
  readonly crashPercent: number
  readonly falseDeathPercent: number
  /** Number of the step before which the power fails, if it does. */
  readonly powerCutStep: number | undefined
  /** How events are made. */
  readonly medium: 'link' | 'symlink' | 'file'
  readonly linksMax: number
  readonly crashLimit: number
  /** Whether ended tasks may be run again. */
  readonly reruns: boolean
  /** Whether the tasks have directories from the start. */
  readonly isPrepared: boolean
}

/** Steps that a schedule has at most before it is brought to its end. */
export const STEPS_MAX = 100

/** Draws a world. Each kind of trouble is left out often enough to see the others alone. */
export function drawSettings(random: RandomSource): ScheduleSettings {
  const metadata = random.pick(['ordered', 'ordered', 'unordered'] as const)
  const durability = random.pick(['none', 'terminal', 'terminal', 'full'] as const)
  const medium = random.pick(['link', 'link', 'link', 'symlink', 'file'] as const)
  // Nothing holds where nothing is synced, and what was first may be lost first.
  const isHopeless = durability === 'none' && metadata === 'unordered'
  return {
    durability,
    metadata,
    claimSync: metadata === 'unordered' || random.chance(20),
    sight: random.pick(['exact', 'exact', 'nfs', 'weak'] as const),
    // An event that is a file of its own says only afterwards whose it is: too late where answers get lost.
    replayPercent: medium === 'file' ? 0 : random.pick([0, 0, 5, 30]),
    faultPercent: random.pick([0, 0, 0, 1]),
    crashPercent: random.pick([0, 3, 6]),
    falseDeathPercent: random.pick([0, 3, 6]),
    powerCutStep: !isHopeless && random.chance(25) ? random.below(STEPS_MAX / 2) : undefined,
    medium,
    linksMax: random.pick([3, 1000, 1000]),
    crashLimit: random.pick([2, 1000]),
    reruns: random.chance(20),
    isPrepared: random.chance(50),
  }
}
