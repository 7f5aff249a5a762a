/** Numbers in a typed array that grows. */
class Column<Numbers extends Float64Array | Uint32Array | Uint8Array> {
  #numbers: Numbers
  readonly #make: (length: number) => Numbers
  #count = 0

  constructor(make: (length: number) => Numbers) {
    this.#make = make
    this.#numbers = make(1024)
  }

  push(value: number): void {
    if (this.#count === this.#numbers.length) {
      const larger = this.#make(this.#count * 2)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers[this.#count] = value
    this.#count += 1
  }

  get values(): Numbers {
    return this.#numbers.subarray(0, this.#count) as Numbers
  }
}

/** An attempt as a row of {@link AttemptColumns}. */
export interface ColumnRow {
  readonly startMs: number
  /** Never negative. */
  readonly durationMs: number
  readonly workerIndex: number
  readonly taskIndex: number
  readonly endingIndex: number
}

/** The attempts of a root as columns of numbers: 25 bytes for each, so that a million are no burden. */
export class AttemptColumns {
  readonly #starts = new Column((length) => new Float64Array(length))
  readonly #durations = new Column((length) => new Float64Array(length))
  readonly #workers = new Column((length) => new Uint32Array(length))
  readonly #tasks = new Column((length) => new Uint32Array(length))
  readonly #endings = new Column((length) => new Uint8Array(length))

  push(row: ColumnRow): void {
    this.#starts.push(row.startMs)
    this.#durations.push(row.durationMs)
    this.#workers.push(row.workerIndex)
    this.#tasks.push(row.taskIndex)
    this.#endings.push(row.endingIndex)
  }

  get count(): number {
    return this.#starts.values.length
  }

  get startsMs(): Float64Array {
    return this.#starts.values
  }

  get durationsMs(): Float64Array {
    return this.#durations.values
  }

  get workerIndexes(): Uint32Array {
    return this.#workers.values
  }

  get taskIndexes(): Uint32Array {
    return this.#tasks.values
  }

  get endingIndexes(): Uint8Array {
    return this.#endings.values
  }
}

/** Positions of attempts by worker, in the order of their starts. */
export interface AttemptsByWorker {
  /** Positions in the columns. */
  readonly order: Uint32Array
  /** Where the attempts of each worker begin in `order`; one more than there are workers. */
  readonly offsets: Uint32Array
}

/** Puts attempts in the order of workers, and of starts within each: they mostly stand so already. */
export function sortByWorker(columns: AttemptColumns, workerCount: number): AttemptsByWorker {
  const { workerIndexes, startsMs } = columns
  const offsets = new Uint32Array(workerCount + 1)
  for (const worker of workerIndexes) offsets[worker + 1] = (offsets[worker + 1] ?? 0) + 1
  for (let worker = 0; worker < workerCount; worker += 1)
    offsets[worker + 1] = (offsets[worker + 1] ?? 0) + (offsets[worker] ?? 0)
  const order = new Uint32Array(workerIndexes.length)
  const next = offsets.slice()
  for (const [position, worker] of workerIndexes.entries()) {
    const place = next[worker] ?? 0
    order[place] = position
    next[worker] = place + 1
  }
  const startOf = (position: number): number => startsMs[position] ?? 0
  for (let worker = 0; worker < workerCount; worker += 1) {
    const part = order.subarray(offsets[worker], offsets[worker + 1])
    if (part.some((position, at) => at > 0 && startOf(part[at - 1] ?? 0) > startOf(position)))
      part.sort((one, other) => startOf(one) - startOf(other))
  }
  return { order, offsets }
}
