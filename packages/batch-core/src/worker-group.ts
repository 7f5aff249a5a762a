import type { Communicator } from './communicator.ts'
import { ConfigError, ConfigMismatchError } from './errors.ts'
import { invariant } from './invariant.ts'

/** How ranks form worker groups: group g has the ranks `g * groupSize` to `(g + 1) * groupSize - 1`. */
export interface GroupLayout {
  readonly groupSize: number
  readonly groupCount: number
}

/**
 * Divides ranks into groups of equal size (pure).
 *
 * @throws {@link ConfigError} naming the nearest numbers that fit, when the ranks don't fill the groups.
 */
export function groupLayout(options: { readonly size: number; readonly groupSize: number }): GroupLayout {
  const { size, groupSize } = options
  if (!Number.isSafeInteger(groupSize) || groupSize < 1) {
    throw new ConfigError(`The group size is ${groupSize}, but has to be an integer of 1 or more.`)
  }
  if (size % groupSize === 0) return { groupSize, groupCount: size / groupSize }
  const below = size - (size % groupSize)
  const sizes = [below, below + groupSize].filter((fit) => fit > 0)
  const divisors = Array.from({ length: size }, (_, index) => index + 1).filter((fit) => size % fit === 0)
  const nearest = [divisors.findLast((fit) => fit < groupSize), divisors.find((fit) => fit > groupSize)]
  throw new ConfigError(
    `${size === 1 ? "1 rank doesn't" : `${size} ranks don't`} fill groups of ${groupSize}: take ${sizes.join(' or ')} ranks, ` +
      `or groups of ${nearest.filter((fit) => fit !== undefined).join(' or ')}.`,
    { details: { size, groupSize } },
  )
}

/** One rank's place among the worker groups. */
export interface WorkerGroup {
  /** The members of this rank's group; group rank 0 leads it. */
  readonly group: Communicator
  readonly groupIndex: number
  readonly groupCount: number
  /** The leaders of all groups, ranked by group index; `undefined` on ranks that lead no group. */
  readonly leaders: Communicator | undefined
}

/**
 * Divides the members of a communicator into worker groups. Collective; the caller closes `group` and `leaders`.
 *
 * @param groupSize - Ranks per group, equal on all members.
 * @throws {@link ConfigError} on every member if the ranks don't fill the groups.
 * @throws {@link ConfigMismatchError} on every member if they gave different sizes.
 */
export async function createWorkerGroup(communicator: Communicator, groupSize: number): Promise<WorkerGroup> {
  const groupSizes = await communicator.allgather(groupSize)
  if (groupSizes.some((other) => !Object.is(other, groupSizes[0]))) {
    throw new ConfigMismatchError(
      `The ranks asked for groups of ${groupSizes.join(', ')}. Give the same group size on all ranks.`,
      { details: { groupSizes } },
    )
  }
  const { groupCount } = groupLayout({ size: communicator.size, groupSize })
  const groupIndex = Math.floor(communicator.rank / groupSize)
  const leads = communicator.rank % groupSize === 0
  const group = await communicator.split({ color: groupIndex })
  const leaders = await communicator.split({ color: leads ? 0 : undefined })
  invariant(group !== undefined, 'A rank with a color got no communicator')
  return { group, groupIndex, groupCount, leaders }
}
