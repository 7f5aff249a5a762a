import { TABLE_STATES, type TableState, type TaskCounts } from '@mpibatch/batch-core'

/** Adds up the counts of several batches (pure). @param countsOf - Gives the count of each batch for a state. */
export function totalCounts(countsOf: (state: TableState) => readonly number[]): TaskCounts {
  const entries = TABLE_STATES.map((state) => [state, countsOf(state).reduce((sum, count) => sum + count, 0)])
  return Object.fromEntries(entries) as TaskCounts
}
