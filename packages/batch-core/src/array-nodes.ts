import type { Communicator } from './communicator.ts'
import { decideOnRankZero } from './decision.ts'
import { ConfigError } from './errors.ts'
import { invariant } from './invariant.ts'

/** How the ranks of an array lie on nodes, and the communicators by which they speak of it. */
export interface ArrayNodes {
  /** All ranks of the array; nobody else speaks on it. */
  readonly all: Communicator
  /** Those that share this rank's copy. */
  readonly node: Communicator
  /** On the first rank of each node: these ranks, in the order of the nodes. */
  readonly leaders: Communicator | undefined
  /** Number of this rank's node, in the order of the nodes' first ranks. */
  readonly nodeIndex: number
  readonly nodeCount: number
  /** Collective. */
  close(): Promise<void>
}

/** What a rank says of its node. */
interface Membership {
  /** Rank of the node's first member. */
  readonly leader: number
  /** Tells this array's ranks from all others. */
  readonly token: string
  readonly size: number
}

/**
 * Finds the nodes, or takes those that are given.
 *
 * Collective over the communicator. What is given stays the caller's.
 *
 * @param all - The ranks of the array; {@link ArrayNodes.close} closes it.
 * @throws {@link ConfigError} on all ranks if what is given does not divide the communicator into nodes.
 */
export async function findArrayNodes(
  all: Communicator,
  given: Communicator | undefined,
): Promise<ArrayNodes> {
  const ownPlace = given && ([given.rank, given.size] as const)
  const token = await decideOnRankZero(all, ownPlace, (places) => {
    checkPlaces(places)
    return crypto.randomUUID()
  })
  const node = given === undefined ? await all.splitByNode() : await given.duplicate()
  const first = await node.broadcast({ leader: all.rank, token })
  const leaderRanks = await decideOnRankZero(all, { ...first, size: node.size }, (memberships) => {
    checkMemberships(memberships, token)
    return [...new Set(memberships.map(({ leader }) => leader))].sort((one, other) => one - other)
  })
  const leaders = await all.split({ color: node.rank === 0 ? 0 : undefined })
  const nodeIndex = leaderRanks.indexOf(first.leader)
  invariant(nodeIndex !== -1, 'Each node of an array has a first rank')
  return {
    all,
    node,
    leaders,
    nodeIndex,
    nodeCount: leaderRanks.length,
    close: async () => {
      await leaders?.close()
      await node.close()
      await all.close()
    },
  }
}

/** Before anybody speaks on what is given: whether the ranks there can be whole sets of its members. */
function checkPlaces(places: readonly (readonly [rank: number, size: number] | undefined)[]): void {
  if (places.every((place) => place === undefined)) return
  const counts = countEach(places.map(String))
  const sizes = new Set(places.map((place) => place?.[1] ?? 0))
  for (const size of sizes) {
    const first = counts.get(`0,${size}`)
    const ranks = Array.from({ length: size }, (_, rank) => rank)
    if (first === undefined || ranks.some((rank) => counts.get(`${rank},${size}`) !== first))
      throw notDivided()
  }
}

function checkMemberships(memberships: readonly Membership[], token: string): void {
  const counts = countEach(memberships.map(({ leader }) => leader))
  const isWhole = memberships.every(
    ({ leader, token: own, size }) => own === token && counts.get(leader) === size,
  )
  if (!isWhole) throw notDivided()
}

function countEach<T>(values: readonly T[]): ReadonlyMap<T, number> {
  const counts = new Map<T, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

function notDivided(): ConfigError {
  return new ConfigError(
    'The nodeCommunicators do not divide the communicator of this array: each of its ranks has to be in one of them, and nobody else. communicator.splitByNode() makes such ones; or leave the option out.',
  )
}
