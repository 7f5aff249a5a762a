/**
 * The task table: the fast copy of task states, shared by every rank of a node.
 *
 * Purpose: give each task to one claimant, at a cost that does not depend on the number of tasks.
 *
 * Guarantees: {@link TaskTable.claimNext} and {@link TaskTable.claim} give a task to one caller only, whatever the
 * number of threads or processes over the same words. Counts by state follow every change.
 *
 * Calling sequence: one rank fills, then all claim; whoever claimed a task, and nobody else, sets its next state.
 * {@link TaskTable.enqueue} changes the shape of the queue and is called under the token lock only. With more than one
 * node each has a table of its own: instead of being filled it is opened empty and admits tasks as the node takes them
 * from the pool (`task-pool.ts`); a task is in one table at most.
 *
 * Failure: a claimant that dies leaves its tasks RUNNING with its owner number; {@link TaskTable.tasksIn} finds them.
 *
 * Layout, Int32 words: a header, in which what changes with every claim has cache lines of its own, since processors that
 * write into one line wait for each other; then three columns with one word per task: entry (event slot << 3 | state code),
 * owner, and the ring of task indices that wait to be claimed. A task is in the ring at most once, so a ring of
 * `taskCount` places never overflows. A count by state is the sum of two words: what changed through this table, and
 * what stands beside it: the counts at the start, and with several nodes what changed on the others.
 */
import { UsageError } from './errors.ts'
import { invariant } from './invariant.ts'
import { type ClaimableStates, isClaimable, STATE_CODE, TABLE_STATES, type TableState } from './task-state.ts'

const VERSION = 3
/** Words of a cache line of 64 bytes, as most processors have; where it is longer, some of them share one. */
const LINE = 16
const HEADER_WORDS = 4 * LINE
const WORD_VERSION = 0
const WORD_TASK_COUNT = 1
/** One word per state code, from here on: the part of the count that does not change through this table. */
const WORD_BESIDE = 8
/** Position of the next task to claim; grows, taken modulo the task count. */
const WORD_HEAD = LINE
/** Position behind the last waiting task. */
const WORD_TAIL = 2 * LINE
const WORD_ALLOWED = 2 * LINE + 1
/** Number of tasks that were ELSEWHERE when they came into this table. */
const WORD_CAME_ELSEWHERE = 2 * LINE + 2
/** One word per state code, from here on: change of the count through this table. */
const WORD_CHANGES = 3 * LINE

const STATE_BITS = 3
const STATE_MASK = (1 << STATE_BITS) - 1
/** Code of a task that is not in this table. */
const CODE_ABSENT = 7
/** Largest event slot that an entry can hold. */
export const SLOT_MAX: number = 0x7fffffff >> STATE_BITS

/** Initial states and order of a table. */
export interface TableContents {
  /** One {@link STATE_CODE} per task. */
  readonly codes: Uint8Array
  /** Task indices in the order in which they are to start; the given order if left out. */
  readonly order?: ArrayLike<number>
  /** Which states other than OPEN wait to be claimed. */
  readonly claimable?: ClaimableStates
}

/** See the top of this file. */
export class TaskTable {
  /** Number of tasks. */
  readonly taskCount: number
  readonly #words: Int32Array
  readonly #entries: Int32Array
  readonly #owners: Int32Array
  readonly #queue: Int32Array

  /** Int32 words that a table of so many tasks takes: 12 bytes per task and a header. */
  static wordCount(taskCount: number): number {
    return HEADER_WORDS + 3 * taskCount
  }

  /** Prepares zeroed words as an empty table (no task waits, all OPEN) and attaches to it. */
  static create(words: Int32Array, taskCount: number): TaskTable {
    invariant(words.length >= TaskTable.wordCount(taskCount), 'A task table was given too little memory')
    words[WORD_TASK_COUNT] = taskCount
    words[WORD_BESIDE + STATE_CODE.OPEN] = taskCount
    Atomics.store(words, WORD_VERSION, VERSION)
    return new TaskTable(words)
  }

  /**
   * Attaches to words that {@link TaskTable.create} prepared.
   *
   * @throws {@link InvariantError} if they hold no table of this version.
   */
  constructor(words: Int32Array) {
    invariant(
      Atomics.load(words, WORD_VERSION) === VERSION,
      'Memory that should hold a task table holds none',
    )
    const count = words[WORD_TASK_COUNT] ?? 0
    this.#words = words
    this.taskCount = count
    this.#entries = words.subarray(HEADER_WORDS, HEADER_WORDS + count)
    this.#owners = words.subarray(HEADER_WORDS + count, HEADER_WORDS + 2 * count)
    this.#queue = words.subarray(HEADER_WORDS + 2 * count, HEADER_WORDS + 3 * count)
  }

  /** The words that other ranks attach to. */
  get words(): Int32Array {
    return this.#words
  }

  /** Sets all states and lines up what can be claimed. Once, by one rank, before anybody claims. */
  fill(contents: TableContents): void {
    const { codes, order, claimable = {} } = contents
    invariant(codes.length === this.taskCount, 'Initial states and tasks differ in number')
    const counts = new Int32Array(TABLE_STATES.length)
    for (let index = 0; index < this.taskCount; index += 1) {
      const code = codes[index] ?? STATE_CODE.INVALID
      this.#entries[index] = code
      counts[code] = (counts[code] ?? 0) + 1
    }
    this.setCountsBeside(counts)
    this.#words[WORD_CAME_ELSEWHERE] = counts[STATE_CODE.ELSEWHERE] ?? 0
    const waiting = TABLE_STATES.map((state) => isClaimable(state, claimable))
    let tail = 0
    for (let position = 0; position < this.taskCount; position += 1) {
      const index = order === undefined ? position : (order[position] ?? -1)
      if (waiting[codes[index] ?? STATE_CODE.INVALID] === true) {
        this.#queue[tail] = index
        tail += 1
      }
    }
    Atomics.store(this.#words, WORD_ALLOWED, packAllowed(waiting))
    Atomics.store(this.#words, WORD_HEAD, 0)
    Atomics.store(this.#words, WORD_TAIL, tail)
  }

  /** Prepares the table for {@link TaskTable.admit}: no task is in it. Once, by one rank, instead of `fill`. */
  openEmpty(claimable: ClaimableStates = {}): void {
    this.#entries.fill(CODE_ABSENT)
    const waiting = TABLE_STATES.map((state) => isClaimable(state, claimable))
    Atomics.store(this.#words, WORD_ALLOWED, packAllowed(waiting))
  }

  /**
   * Takes a task into the table, in the state that it has. Under the token lock. No count changes: the task was counted
   * before, outside of this table.
   */
  admit(index: number, state: TableState): void {
    invariant(!this.has(index), `Task ${index} came into one task table twice`)
    if (state === 'ELSEWHERE') Atomics.add(this.#words, WORD_CAME_ELSEWHERE, 1)
    Atomics.store(this.#entries, index, STATE_CODE[state])
  }

  /** Whether a task is in this table: always, if it was filled. */
  has(index: number): boolean {
    return (this.#entryOf(index) & STATE_MASK) !== CODE_ABSENT
  }

  /** Whether a task waits to be claimed. */
  get hasWaiting(): boolean {
    return Atomics.load(this.#words, WORD_HEAD) < Atomics.load(this.#words, WORD_TAIL)
  }

  /**
   * Claims the next waiting task and marks it RUNNING: one atomic step on the cursor, one on the entry.
   *
   * @param owner - Number of the claimant (slot or worker group).
   * @returns The task's index, or `undefined` when none waits.
   */
  claimNext(owner: number): number | undefined {
    for (;;) {
      const head = Atomics.load(this.#words, WORD_HEAD)
      if (head >= Atomics.load(this.#words, WORD_TAIL)) return undefined
      const index = Atomics.load(this.#queue, head % this.taskCount)
      if (Atomics.compareExchange(this.#words, WORD_HEAD, head, head + 1) !== head) continue
      if (this.#claim(index, owner, Atomics.load(this.#words, WORD_ALLOWED))) return index
    }
  }

  /**
   * Claims a certain task, if its state is one of those given; for retries.
   *
   * @returns Whether the task is now the caller's.
   */
  claim(index: number, owner: number, from: TableState): boolean {
    return this.#claim(index, owner, 1 << STATE_CODE[from])
  }

  #claim(index: number, owner: number, allowed: number): boolean {
    for (;;) {
      const entry = Atomics.load(this.#entries, index)
      const code = entry & STATE_MASK
      if ((allowed & (1 << code)) === 0) return false
      const claimed = (entry & ~STATE_MASK) | STATE_CODE.RUNNING
      if (Atomics.compareExchange(this.#entries, index, entry, claimed) !== entry) continue
      Atomics.store(this.#owners, index, owner)
      this.#count(code, STATE_CODE.RUNNING)
      return true
    }
  }

  /** Puts a task that was re-opened at the end of the queue. Under the token lock; the task must not be waiting. */
  enqueue(index: number): void {
    const tail = Atomics.load(this.#words, WORD_TAIL)
    invariant(
      tail - Atomics.load(this.#words, WORD_HEAD) < this.taskCount,
      'A task waits twice to be claimed',
    )
    Atomics.store(this.#queue, tail % this.taskCount, index)
    Atomics.store(this.#words, WORD_TAIL, tail + 1)
  }

  /**
   * Sets the next state of a task that the caller owns, and notes the event slot that made it so.
   *
   * @param change - `slot` 0 leaves the slot as it is; slots never go back.
   * @throws {@link UsageError} if the task is not RUNNING or somebody else's.
   */
  set(index: number, change: { owner: number; state: TableState; slot?: number }): void {
    const entry = this.#entryOf(index)
    if ((entry & STATE_MASK) !== STATE_CODE.RUNNING || Atomics.load(this.#owners, index) !== change.owner) {
      throw new UsageError(
        `Task ${index} is not running here, so its state can't be set. Only who claimed a task may end it.`,
        { details: { index, state: this.stateOf(index) } },
      )
    }
    this.#replace(index, STATE_CODE[change.state], change.slot ?? 0)
  }

  /** Re-opens a task that ran elsewhere. Under the token lock. */
  reopen(index: number): void {
    invariant(this.stateOf(index) === 'ELSEWHERE', 'Only a task that runs elsewhere can be opened again')
    this.#replace(index, STATE_CODE.OPEN, 0)
  }

  /** Notes a higher event slot of a task that the caller owns, so that no slot is tried twice. */
  noteSlot(index: number, slot: number): void {
    this.#replace(index, this.#entryOf(index) & STATE_MASK, slot)
  }

  #replace(index: number, code: number, slot: number): void {
    const entry = Atomics.load(this.#entries, index)
    const before = entry >> STATE_BITS
    const highest = before >= slot ? before : slot
    // The text is made where it is needed only.
    if (!(highest <= SLOT_MAX)) invariant(false, `Task ${index} has more events than a task table can count`)
    Atomics.store(this.#entries, index, (highest << STATE_BITS) | code)
    this.#count(entry & STATE_MASK, code)
  }

  #count(from: number, to: number): void {
    if (from === to) return
    Atomics.sub(this.#words, WORD_CHANGES + from, 1)
    Atomics.add(this.#words, WORD_CHANGES + to, 1)
  }

  #entryOf(index: number): number {
    if (!Number.isInteger(index) || index < 0 || index >= this.taskCount) {
      throw new UsageError(`There is no task ${index}; tasks count from 0 to ${this.taskCount - 1}.`)
    }
    return Atomics.load(this.#entries, index)
  }

  /** State of a task that is in this table; `INVALID`, as unknown, of another. */
  stateOf(index: number): TableState {
    return TABLE_STATES[this.#entryOf(index) & STATE_MASK] ?? 'INVALID'
  }

  /** Highest event slot known of a task; 0 if none is. */
  slotOf(index: number): number {
    return this.#entryOf(index) >> STATE_BITS
  }

  /** Number of tasks of the batch in a state; with several nodes, of the others as it was heard of last. */
  count(state: TableState): number {
    const code = STATE_CODE[state]
    return Atomics.load(this.#words, WORD_BESIDE + code) + Atomics.load(this.#words, WORD_CHANGES + code)
  }

  /** Number of tasks in this table that run elsewhere. */
  get elsewhereCount(): number {
    const change = Atomics.load(this.#words, WORD_CHANGES + STATE_CODE.ELSEWHERE)
    return Atomics.load(this.#words, WORD_CAME_ELSEWHERE) + change
  }

  /** What changed through this table in the count of each state, in the order of {@link TABLE_STATES}. */
  get changes(): Int32Array {
    return Int32Array.from(TABLE_STATES, (_, code) => Atomics.load(this.#words, WORD_CHANGES + code))
  }

  /** Sets the part of each count that does not change through this table, in the order of {@link TABLE_STATES}. */
  setCountsBeside(counts: Int32Array): void {
    for (const code of TABLE_STATES.keys()) Atomics.store(this.#words, WORD_BESIDE + code, counts[code] ?? 0)
  }

  /** Indices of all tasks in a state; reads the whole table. */
  tasksIn(state: TableState): number[] {
    const found: number[] = []
    for (let index = 0; index < this.taskCount; index += 1) {
      if (this.stateOf(index) === state) found.push(index)
    }
    return found
  }
}

function packAllowed(waiting: readonly boolean[]): number {
  return waiting.reduce((bits, waits, code) => (waits ? bits | (1 << code) : bits), 0)
}
