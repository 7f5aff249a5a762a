/**
 * A million schedules, or `MPIBATCH_SCHEDULES` of them, shared by {@link PARTS} processes. `MPIBATCH_SEED` chooses the
 * seed, which is today's date otherwise; `MPIBATCH_SCHEDULE` the one schedule to be played again.
 */
import { expect, it } from 'vitest'
import { mustPlay, seedOf } from './schedule-runs.ts'

/** Processes at work. */
const PARTS = 2

/** Declares the test of one part, from 0. */
export function testPart(part: number): void {
  const seed = seedOf(Number(new Date().toISOString().slice(0, 10).replaceAll('-', '')))
  const { MPIBATCH_SCHEDULE: single, MPIBATCH_SCHEDULES: wanted = '1000000' } = process.env
  const first = single === undefined ? part : Number(single) + part
  const end = single === undefined ? Number(wanted) : Number(single) + 1
  it(`part ${part + 1} of ${PARTS} of ${wanted} schedules finds no fault (seed ${seed})`, async () => {
    const startMs = performance.now()
    await mustPlay({ seed, first, end, stride: PARTS })
    const count = Math.ceil((end - first) / PARTS)
    const seconds = (performance.now() - startMs) / 1000
    process.stdout.write(
      `seed ${seed}: ${count} schedules in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} a second\n`,
    )
    expect(count).toBeGreaterThanOrEqual(0)
  })
}
