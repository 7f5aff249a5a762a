/** How what one rank sets in its node's copy of an array comes to the copies of the other nodes. */
import { type Piece, packRuns, unpackRuns } from './array-runs.ts'
import { type Region, type Run, runsOf } from './array-shape.ts'
import type { Communicator } from './communicator.ts'
import type { TypedArray, TypedArrayType } from './typed-arrays.ts'

/** Largest piece in one message, in bytes. */
const PIECE_BYTES = 4 * 1024 * 1024
/** Pieces that may be under way; a node that is slow would have to keep all others. */
const PIECES_AHEAD = 8

/** One copy of an array, and what of it is to be sent or received. */
export interface Transfer {
  /** This node's copy. */
  readonly values: TypedArray
  readonly type: TypedArrayType<TypedArray>
  /** Shape of the array. */
  readonly shape: readonly number[]
  readonly region: Region
  /** The leader of the node that has it. */
  readonly root: number
}

/** Sends a region of the root's copy to all others. Collective over the leaders of the nodes. */
export async function transferRegion(leaders: Communicator, transfer: Transfer): Promise<void> {
  const { shape, region, type } = transfer
  const lengthMax = PIECE_BYTES / type.BYTES_PER_ELEMENT
  let runs: Run[] = []
  let length = 0
  let count = 0
  const send = async (): Promise<void> => {
    await transferPiece(leaders, transfer, { runs, length })
    count += 1
    if (count % PIECES_AHEAD === 0) await leaders.barrier()
    runs = []
    length = 0
  }
  for (const run of runsOf(shape, region, lengthMax)) {
    if (length + run.length > lengthMax) await send()
    runs.push(run)
    length += run.length
  }
  if (length > 0) await send()
}

async function transferPiece(
  leaders: Communicator,
  { values, type, root }: Transfer,
  { runs, length }: Piece,
): Promise<void> {
  const isRoot = leaders.rank === root
  const piece = await leaders.broadcast(isRoot ? packRuns(type, values, { runs, length }) : undefined, {
    root,
  })
  if (!isRoot && piece !== undefined) unpackRuns(values, runs, piece)
}
