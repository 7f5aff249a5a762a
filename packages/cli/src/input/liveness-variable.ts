import { ConfigError, type LivenessOptions } from '@mpibatch/batch-core'
import { parseDuration } from './duration.ts'

const TIMES: Readonly<Record<string, keyof LivenessOptions>> = {
  heartbeat: 'heartbeatMs',
  lease: 'leaseMs',
  visibility: 'visibilityMs',
  'dead-after': 'deadAfterMs',
}

/**
 * Reads the environment variable `MPIBATCH_LIVENESS`: `heartbeat=2s,lease=20s,visibility=0s,dead-after=30s`, or a part
 * of that (`docs/liveness.md`, Times).
 *
 * @throws {@link ConfigError}
 */
export function readLiveness(text: string | undefined): LivenessOptions {
  const times: { -readonly [time in keyof LivenessOptions]: number } = {}
  for (const part of (text ?? '').split(',')) {
    if (part.trim() === '') continue
    const [name = '', duration = ''] = part.split('=', 2)
    const time = TIMES[name.trim()]
    if (time === undefined) {
      throw new ConfigError(
        `The environment variable MPIBATCH_LIVENESS has ${JSON.stringify(part)}. Write it as heartbeat=2s,lease=20s,visibility=0s,dead-after=30s, or a part of that.`,
      )
    }
    times[time] = parseDuration(duration, `MPIBATCH_LIVENESS, ${name.trim()},`)
  }
  return times
}
