/** What each process does when several take the same names away, and when one replaces what others read (step 3). */
import { closeSync, openSync, readdirSync, readSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { codeOf } from '../../io-error.ts'
import { STATE_SIZE_MAX } from '../../state-file.ts'

/** The ways to take a name away. */
export const CONSUME_OPERATIONS = ['rename', 'unlink'] as const

/** One of {@link CONSUME_OPERATIONS}. */
export type ConsumeOperation = (typeof CONSUME_OPERATIONS)[number]

/** Names to be taken away: `first`, `first + 1`, … */
export interface ConsumeInput {
  readonly directory: string
  readonly operation: ConsumeOperation
  readonly first: number
  readonly count: number
  /** Who tries, one word. */
  readonly owner: string
}

/** Makes the names that are then taken away. */
export function makeSources(input: Omit<ConsumeInput, 'owner'>): void {
  for (let index = input.first; index < input.first + input.count; index += 1)
    writeFileSync(sourceOf(input, index), 'source')
}

/** Tries to take each of the names, in order. @returns For each an empty text, or the error's code. */
export function consume(input: ConsumeInput): readonly string[] {
  return Array.from({ length: input.count }, (_, offset) => {
    const source = sourceOf(input, input.first + offset)
    try {
      if (input.operation === 'unlink') unlinkSync(source)
      else renameSync(source, `${source}.${input.owner}`)
      return ''
    } catch (error) {
      return codeOf(error)
    }
  })
}

/** Counts the names in a directory. */
export function countNames({ directory }: { directory: string }): number {
  return readdirSync(directory).length
}

/** The texts that replace each other; as long as anything that the store reads of a `state`, in one call. */
const TEXTS: readonly string[] = ['a', 'b'].map((letter) => `${letter.repeat(STATE_SIZE_MAX - 1)}\n`)

/** Replaces a file again and again. @returns How often. */
export function replaceFor({ directory, durationMs }: { directory: string; durationMs: number }): number {
  const end = performance.now() + durationMs
  let count = 0
  for (; count === 0 || performance.now() < end; count += 1) {
    writeFileSync(`${directory}/payload`, TEXTS[count % 2] ?? '')
    renameSync(`${directory}/payload`, `${directory}/state`)
  }
  return count
}

/** What a reader saw of a file that is replaced meanwhile. */
export interface ReplaceReadings {
  readonly reads: number
  /** Times that there was no such file. */
  readonly absent: number
  /** Times that it held something else than one whole text. */
  readonly partial: number
  /** Times that the server had forgotten the file that was open. */
  readonly stale: number
  /** Codes of other errors. */
  readonly errors: readonly string[]
}

/** Every so many readings the file is held open for a moment before it is read, so that it is replaced meanwhile. */
const HELD_EVERY = 8
const HELD_MS = 2

/** Opens and reads a file again and again; now and then it is replaced between the two. */
export function readFor({
  directory,
  durationMs,
}: {
  directory: string
  durationMs: number
}): ReplaceReadings {
  const end = performance.now() + durationMs
  const seen = { reads: 0, absent: 0, partial: 0, stale: 0 }
  const errors = new Set<string>()
  while (performance.now() < end) {
    seen.reads += 1
    try {
      if (!TEXTS.includes(readOnce(`${directory}/state`, seen.reads % HELD_EVERY === 0 ? HELD_MS : 0)))
        seen.partial += 1
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT') seen.absent += 1
      else if (code === 'ESTALE') seen.stale += 1
      else errors.add(code)
    }
  }
  return { ...seen, errors: [...errors] }
}

function readOnce(path: string, heldMs: number): string {
  const descriptor = openSync(path, 'r')
  try {
    if (heldMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, heldMs)
    const buffer = Buffer.alloc(2 * STATE_SIZE_MAX)
    return buffer.toString('utf8', 0, readSync(descriptor, buffer))
  } finally {
    closeSync(descriptor)
  }
}

function sourceOf({ directory, operation }: Omit<ConsumeInput, 'owner'>, index: number): string {
  return `${directory}/${operation}.${index}`
}
