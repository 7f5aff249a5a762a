/**
 * The task pool: the tasks that no node has taken yet, where the ranks of a batch are on more than one node.
 *
 * Purpose: let nodes share the tasks in few steps, so that each shares its part among its ranks without asking others.
 *
 * Guarantees: every task gets into the table of one node only. Chunks shrink with what is left, so that the nodes end
 * together.
 *
 * Calling sequence: all ranks {@link TaskPool.open}; a leader that finds nothing waiting in its node's table calls
 * {@link TaskPool.refill}; all ranks close. A task never comes back: what was given back, has failed, or runs elsewhere
 * waits in its node's table.
 *
 * Failure: a rank that ends in the middle of a refill takes tasks with it, which the next run of the batch finds open.
 *
 * Layout of the window, Int32 words: the position of the next task to take, and of the next one that has ended; then the
 * queue with a word per task (index << 3 | state code): those that can be claimed, in the order in which they are to
 * start; those that run elsewhere; those that have ended. Of the second every node takes its share at once, as nobody
 * knows which will come free, and when. The third are taken only when somebody asks for ended tasks.
 */
import type { Communicator } from './communicator.ts'
import { invariant } from './invariant.ts'
import type { NodePlace } from './node-place.ts'
import type { SharedWindow } from './shared-window.ts'
import { isClaimable, STATE_CODE, TABLE_STATES, type TableState } from './task-state.ts'
import type { TableContents, TaskTable } from './task-table.ts'
import type { TokenLock } from './token-lock.ts'

const WORD_HEAD = 0
const WORD_ENDED_HEAD = 1
const WORD_QUEUE = 2

const STATE_BITS = 3
const STATE_MASK = (1 << STATE_BITS) - 1

/** Most tasks that a node takes at once. */
const CHUNK_SIZE_MAX = 256

/**
 * How many tasks a node takes at once (pure): half of its share of what is left. The other half evens out what takes
 * longer than expected.
 *
 * @param options.remaining - Tasks that are left, 1 or more.
 * @param options.groupsHere - Worker groups that are led from the node.
 * @param options.groupCount - All worker groups.
 * @returns 1 to 256, never more than `remaining`.
 */
export function chunkSize(options: {
  readonly remaining: number
  readonly groupsHere: number
  readonly groupCount: number
}): number {
  const { remaining, groupsHere, groupCount } = options
  const half = Math.floor((remaining * groupsHere) / (2 * groupCount))
  return Math.min(Math.max(half, 1), CHUNK_SIZE_MAX, remaining)
}

/** What {@link TaskPool.open} needs. */
export interface TaskPoolOptions {
  /** All ranks; rank 0 fills the pool. */
  readonly world: Communicator
  readonly place: NodePlace
  /** This node's table, opened empty. */
  readonly table: TaskTable
  /** On rank 0: all tasks. */
  readonly contents: TableContents | undefined
}

/** The locks of a leader, always taken in this order. */
export interface RefillLocks {
  /** Of the leaders of its node: guards the table. */
  readonly nodeLock: TokenLock
  /** Of all leaders: guards the pool. */
  readonly poolLock: TokenLock
}

/** How many words of the queue are of which kind. */
interface QueueLengths {
  readonly claimable: number
  readonly elsewhere: number
  readonly ended: number
}

const NO_TASKS: QueueLengths = { claimable: 0, elsewhere: 0, ended: 0 }

/** See the top of this file. */
export class TaskPool {
  readonly #place: NodePlace
  readonly #table: TaskTable
  readonly #window: SharedWindow
  readonly #lengths: QueueLengths
  /** Whether this rank has seen that all tasks are taken. */
  #isEmpty = false
  /** The same of the tasks that have ended. */
  #hasNoEnded = false

  /** Fills the pool, and gives each node's table its share of the tasks that run elsewhere. Collective. */
  static async open({ world, place, table, contents }: TaskPoolOptions): Promise<TaskPool> {
    const queue = contents === undefined ? undefined : queueOf(contents)
    const lengths = await world.broadcast<QueueLengths>(queue?.lengths ?? NO_TASKS)
    const length = WORD_QUEUE + lengths.claimable + lengths.elsewhere + lengths.ended
    const window = await world.createWindow({ length })
    if (queue !== undefined) await window.write(WORD_QUEUE, queue.words)
    await world.barrier()
    const pool = new TaskPool(place, table, { window, lengths })
    if (place.node.rank === 0) await pool.#takeElsewhere()
    // Before that nobody may look into the table: with nothing there it would seem that nothing is left.
    await place.node.barrier()
    return pool
  }

  private constructor(
    place: NodePlace,
    table: TaskTable,
    parts: { readonly window: SharedWindow; readonly lengths: QueueLengths },
  ) {
    this.#place = place
    this.#table = table
    this.#window = parts.window
    this.#lengths = parts.lengths
  }

  /**
   * Takes tasks into the node's table, unless another leader of the node has done so meanwhile. Leaders only; not
   * collective.
   *
   * @returns Whether there may be tasks to claim now; `false` when all are taken.
   */
  async refill({ nodeLock, poolLock }: RefillLocks): Promise<boolean> {
    if (this.#isEmpty) return false
    return await nodeLock.withLock(
      async () => this.#table.hasWaiting || (await poolLock.withLock(() => this.#takeChunk())),
    )
  }

  /**
   * Takes tasks into the node's table that have ended; they do not wait there to be claimed. Leaders only, under the
   * lock of the node; not collective.
   *
   * @returns The tasks; none when all are taken.
   */
  async refillEnded(poolLock: TokenLock): Promise<readonly number[]> {
    if (this.#hasNoEnded) return []
    return await poolLock.withLock(() => this.#takeEndedChunk())
  }

  /** Frees the pool. Collective. */
  close(): Promise<void> {
    return this.#window.close()
  }

  async #takeChunk(): Promise<boolean> {
    const chunk = await this.#takeNext(WORD_HEAD, { start: 0, count: this.#lengths.claimable })
    for (const index of chunk) this.#table.enqueue(index)
    this.#isEmpty = chunk.length === 0
    return !this.#isEmpty
  }

  async #takeEndedChunk(): Promise<readonly number[]> {
    const { claimable, elsewhere, ended } = this.#lengths
    const chunk = await this.#takeNext(WORD_ENDED_HEAD, { start: claimable + elsewhere, count: ended })
    this.#hasNoEnded = chunk.length === 0
    return chunk
  }

  /** Takes the next tasks of a part of the queue into the table, and names them; none when all are taken. */
  async #takeNext(
    headWord: number,
    { start, count }: { readonly start: number; readonly count: number },
  ): Promise<readonly number[]> {
    const head = await this.#window.load(headWord)
    const remaining = count - head
    if (remaining <= 0) return []
    const size = chunkSize({ remaining, ...this.#place })
    // Should this rank end here, the tasks are left to the next run, and never given out twice.
    await this.#window.store(headWord, head + size)
    const chunk = await this.#read(start + head, size)
    for (const { index, state } of chunk) this.#table.admit(index, state)
    return chunk.map(({ index }) => index)
  }

  async #takeElsewhere(): Promise<void> {
    const { claimable, elsewhere } = this.#lengths
    const { groupsBefore, groupsHere, groupCount } = this.#place
    const shareOf = (groups: number): number => Math.floor((elsewhere * groups) / groupCount)
    const start = shareOf(groupsBefore)
    const share = await this.#read(claimable + start, shareOf(groupsBefore + groupsHere) - start)
    for (const { index, state } of share) this.#table.admit(index, state)
  }

  async #read(position: number, count: number): Promise<{ index: number; state: TableState }[]> {
    const words = await this.#window.read(WORD_QUEUE + position, count)
    return Array.from(words, (word) => {
      const state = TABLE_STATES[word & STATE_MASK]
      invariant(state !== undefined, 'The task pool holds a state that there is not')
      return { index: word >>> STATE_BITS, state }
    })
  }
}

function queueOf(contents: TableContents): { readonly words: Int32Array; readonly lengths: QueueLengths } {
  const { codes, order, claimable: allowed = {} } = contents
  const canBeClaimed = TABLE_STATES.map((state) => isClaimable(state, allowed))
  const words = new Int32Array(codes.length)
  const elsewhere: number[] = []
  const ended: number[] = []
  let claimable = 0
  for (let position = 0; position < codes.length; position += 1) {
    const index = order === undefined ? position : (order[position] ?? -1)
    const code = codes[index] ?? STATE_CODE.INVALID
    const word = (index << STATE_BITS) | code
    if (canBeClaimed[code] === true) {
      words[claimable] = word
      claimable += 1
    } else if (code === STATE_CODE.ELSEWHERE) elsewhere.push(word)
    else if (code === STATE_CODE.DONE || code === STATE_CODE.FAILED) ended.push(word)
  }
  words.set(elsewhere, claimable)
  words.set(ended, claimable + elsewhere.length)
  const lengths = { claimable, elsewhere: elsewhere.length, ended: ended.length }
  return { words: words.subarray(0, claimable + elsewhere.length + ended.length), lengths }
}
