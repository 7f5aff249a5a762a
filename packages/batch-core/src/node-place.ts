import type { Communicator } from './communicator.ts'

/** Where a rank is among the nodes of a batch. */
export interface NodePlace {
  /** The ranks of this rank's node, in their order. */
  readonly node: Communicator
  /** Number of the node, in the order of the nodes' first ranks. */
  readonly nodeIndex: number
  readonly nodeCount: number
  /** Worker groups that are led from this node. */
  readonly groupsHere: number
  /** Worker groups that are led from the nodes before this one. */
  readonly groupsBefore: number
  /** All worker groups. */
  readonly groupCount: number
}

/** Finds the nodes of a communicator's ranks. Collective; the caller closes `node`. */
export async function findNodePlace(world: Communicator, leads: boolean): Promise<NodePlace> {
  const node = await world.splitByNode()
  const firstRank = await node.broadcast(world.rank)
  const ranks = await world.allgather({ firstRank, leads })
  const firstRanks = [...new Set(ranks.map((rank) => rank.firstRank))].sort((one, other) => one - other)
  const groupCountsByNode = firstRanks.map(
    (first) => ranks.filter((rank) => rank.leads && rank.firstRank === first).length,
  )
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)
  const nodeIndex = firstRanks.indexOf(firstRank)
  return {
    node,
    nodeIndex,
    nodeCount: firstRanks.length,
    groupsHere: groupCountsByNode[nodeIndex] ?? 0,
    groupsBefore: sum(groupCountsByNode.slice(0, nodeIndex)),
    groupCount: sum(groupCountsByNode),
  }
}
