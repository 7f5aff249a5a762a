/** What happens to the instances during the stress test. */
import { setTimeout as pause } from 'node:timers/promises'

/** Between two troubles. */
const INTERVAL_MS = 1000

/**
 * Each second one instance, chosen at random, is killed, killed with its commands, or frozen: for longer than the
 * others wait before they take its tasks, or only for a moment.
 *
 * @param {import('./instance-slot.mjs').InstanceSlot[]} slots
 * @param {{ random: import('./random.mjs').SeededRandom, deadAfterMs: number, isOver: () => boolean }} options
 * @returns How often each trouble was made.
 */
export async function makeTroubles(slots, { random, deadAfterMs, isOver }) {
  const counts = {}
  const frozen = new Map()
  const freeze = (slot, durationMs) => {
    frozen.set(
      slot,
      slot.freeze(durationMs).finally(() => frozen.delete(slot)),
    )
  }
  const kinds = {
    kill: (slot) => slot.kill(),
    'kill with commands': (slot) => slot.kill({ commands: true }),
    'freeze for long': (slot) => freeze(slot, deadAfterMs + random.between(500, 3000)),
    'freeze for a moment': (slot) => freeze(slot, random.between(10, deadAfterMs)),
  }
  while (!isOver()) {
    await pause(INTERVAL_MS)
    const [kind, slot] = [random.pick(Object.keys(kinds)), random.pick(slots)]
    // Nobody else suffers for one that has just ended: the last of a round could hardly ever come to its end.
    if (slot.current === undefined || frozen.has(slot) || isOver()) continue
    kinds[kind](slot)
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  await Promise.all(frozen.values())
  return counts
}
