/** What is known of the work that is left. */
export interface WorkLeft {
  /** Tasks that have not started. */
  readonly openCount: number
  /** For each task that runs, for how long it has, in seconds. */
  readonly runningAges: readonly number[]
  /** How long a task takes in the mean, with all that comes before and after it, in seconds. */
  readonly taskSeconds: number
  /** Tasks that run at once when there are enough. */
  readonly atOnce: number
}

/** Part of a task's mean length that is still to come of one that has just passed it. */
const LATE_PART = 0.1

/**
 * Seconds until the last task ends (pure): what runs goes on to the mean length, and each slot that is free takes the next
 * task. So the last round counts as a whole, however few tasks it has.
 */
export function secondsLeft({ openCount, runningAges, taskSeconds, atOnce }: WorkLeft): number {
  const slotCount = Math.max(atOnce, runningAges.length, 1)
  const rests = runningAges.map((age) => restOf(age, taskSeconds))
  // Slots with nothing to do are free at once.
  const freeIn = [
    ...new Array<number>(slotCount - rests.length).fill(0),
    ...rests.sort((one, other) => one - other),
  ]
  const rounds = Math.floor(openCount / slotCount)
  const more = openCount % slotCount
  return Math.max(...freeIn.map((rest, slot) => rest + taskSeconds * (rounds + (slot < more ? 1 : 0))))
}

/** What is left of a task. One that takes longer than most may take as long again as it is late. */
function restOf(age: number, taskSeconds: number): number {
  return age < taskSeconds ? taskSeconds - age : Math.max(LATE_PART * taskSeconds, age - taskSeconds)
}
