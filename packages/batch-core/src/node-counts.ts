/**
 * Keeps the counts by state of every node's table in step with those of the other nodes.
 *
 * Each node tells what has changed through its own table: a row of a window, written by the first rank of the node when
 * there is news. The same rank reads the others' rows and puts their sum beside the node's own changes, so that every
 * rank of the node finds the counts of the whole batch in memory, as they were a moment ago. The sum of a row is 0, so
 * the counts always add up to all tasks.
 */
import type { Communicator } from './communicator.ts'
import type { NodePlace } from './node-place.ts'
import type { SharedWindow } from './shared-window.ts'
import { TABLE_STATES } from './task-state.ts'
import type { TaskTable } from './task-table.ts'

const ROW_WORDS = TABLE_STATES.length
/** Between two looks at the other nodes, milliseconds. */
const INTERVAL_MS = 200

/** See the top of this file. */
export class NodeCounts {
  readonly #world: Communicator
  readonly #place: NodePlace
  readonly #table: TaskTable
  readonly #window: SharedWindow
  /** Counts at the start. */
  readonly #initial: Int32Array
  #told: Int32Array = new Int32Array(ROW_WORDS)
  #timer: NodeJS.Timeout | undefined
  #exchanging: Promise<void> = Promise.resolve()
  #settling = false

  /** Begins to keep a node's table in step. Collective; `codes` on rank 0: the states of all tasks. */
  static async open(parts: {
    readonly world: Communicator
    readonly place: NodePlace
    readonly table: TaskTable
    readonly codes: Uint8Array | undefined
  }): Promise<NodeCounts> {
    const { world, place, table, codes } = parts
    const window = await world.createWindow({ length: ROW_WORDS * place.nodeCount })
    const initial = await world.broadcast(countCodes(codes ?? new Uint8Array(0)))
    if (place.node.rank === 0) table.setCountsBeside(initial)
    await place.node.barrier()
    return new NodeCounts({ world, place, table }, window, initial)
  }

  private constructor(
    { world, place, table }: { world: Communicator; place: NodePlace; table: TaskTable },
    window: SharedWindow,
    initial: Int32Array,
  ) {
    this.#world = world
    this.#place = place
    this.#table = table
    this.#window = window
    this.#initial = initial
    if (place.node.rank === 0) this.#next()
  }

  /** Makes the counts exact on every rank. Collective, when no task changes any more; it ends the exchange. */
  async settle(): Promise<void> {
    this.#settling = true
    clearTimeout(this.#timer)
    await this.#exchanging
    const { node } = this.#place
    if (node.rank === 0) await this.#tell()
    await this.#world.barrier()
    if (node.rank === 0) await this.#hear()
    await node.barrier()
  }

  /** Frees the window. Collective, after {@link NodeCounts.settle}. */
  close(): Promise<void> {
    return this.#window.close()
  }

  #next(): void {
    if (this.#settling) return
    this.#timer = setTimeout(() => {
      this.#exchanging = this.#tell()
        .then(() => this.#hear())
        .then(() => this.#next())
        // Counts on the way are for show. Whatever is wrong is reported by the calls that need an answer.
        .catch(() => undefined)
    }, INTERVAL_MS).unref()
  }

  async #tell(): Promise<void> {
    const { changes } = this.#table
    if (changes.every((change, code) => change === this.#told[code])) return
    await this.#window.write(ROW_WORDS * this.#place.nodeIndex, changes)
    this.#told = changes
  }

  async #hear(): Promise<void> {
    const { nodeCount, nodeIndex } = this.#place
    const rows = await this.#window.read(0, ROW_WORDS * nodeCount)
    const beside = this.#initial.slice()
    for (const [position, change] of rows.entries()) {
      const code = position % ROW_WORDS
      if (Math.floor(position / ROW_WORDS) !== nodeIndex) beside[code] = (beside[code] ?? 0) + change
    }
    this.#table.setCountsBeside(beside)
  }
}

function countCodes(codes: Uint8Array): Int32Array {
  const counts = new Int32Array(ROW_WORDS)
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1
  return counts
}
