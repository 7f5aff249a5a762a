/** The slots of one worker group, among those of all groups. */
export interface SlotShare {
  /** Number of slots; 0 where fewer commands may run at once than there are groups. */
  readonly count: number
  /** Number of the group's first slot, from 0. */
  readonly first: number
}

/**
 * Gives each worker group its slots (pure): as many as were asked for, or fewer where the list of tasks allows only so
 * many commands at once.
 */
export function shareSlots(options: {
  readonly groupIndex: number
  readonly groupCount: number
  readonly slotsPerGroup: number
  readonly atOnceMax: number | undefined
}): SlotShare {
  const { groupIndex, groupCount, slotsPerGroup, atOnceMax = Number.POSITIVE_INFINITY } = options
  const total = Math.min(groupCount * slotsPerGroup, atOnceMax)
  const least = Math.floor(total / groupCount)
  const withOneMore = total % groupCount
  return {
    count: least + (groupIndex < withOneMore ? 1 : 0),
    first: groupIndex * least + Math.min(groupIndex, withOneMore),
  }
}
