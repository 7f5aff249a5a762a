import type { TaskOrder } from './batch-options.ts'

/**
 * The order in which tasks start.
 *
 * @param options.durations - Last known duration of each task, NaN where none is known; asked for `longest` only.
 *   Tasks without one come first, since they may be long.
 * @param options.random - Numbers in [0, 1), for `shuffle`.
 * @returns All task indices, or `undefined` for the given order.
 */
export function taskOrder(
  order: TaskOrder,
  options: { taskCount: number; durations: () => Float64Array; random?: () => number },
): Int32Array | undefined {
  if (order === 'given') return undefined
  const indices = Int32Array.from({ length: options.taskCount }, (_, index) => index)
  if (order === 'longest') {
    const durations = options.durations()
    const weight = (index: number): number => {
      const duration = durations[index] ?? Number.NaN
      return Number.isNaN(duration) ? Number.MAX_VALUE : duration
    }
    // The sort is stable on equal durations only by falling back to the given order.
    return indices.sort((one, other) => weight(other) - weight(one) || one - other)
  }
  const random = options.random ?? Math.random
  for (let last = indices.length - 1; last > 0; last -= 1) {
    const chosen = Math.floor(random() * (last + 1))
    const kept = indices[last] ?? 0
    indices[last] = indices[chosen] ?? 0
    indices[chosen] = kept
  }
  return indices
}
