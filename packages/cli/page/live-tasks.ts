/** What the page knows of the tasks: a code and a name for each, kept up to date by the frames that the server sends. */
import type { LiveFrame } from '#src/serve/live-feed'
import type { LiveStatus } from '#src/serve/root-follower'
import { bytesOf } from './columns.ts'

/** A frame of the live page. */
export type Frame = LiveFrame<LiveStatus>

/** What the server's codes mean, by their numbers. */
export const CODE_NAMES = ['OPEN', 'RUNNING', 'DONE', 'FAILED', 'INVALID', 'LOST', 'UNREAD'] as const

/** See {@link CODE_NAMES}. */
export type CodeName = (typeof CODE_NAMES)[number]

/** See the top of this file. */
export class LiveTasks {
  #list = 0
  #codes: Uint8Array = new Uint8Array(0)
  #names: readonly string[] = []
  /** The names in small letters, made when they are searched first. */
  #searched: readonly string[] | undefined

  /** The list that the tasks are of; 0 before the first frame. */
  get list(): number {
    return this.#list
  }

  /** Number of tasks. */
  get count(): number {
    return this.#codes.length
  }

  /** Takes a frame; tells whether the tasks are others now, so that their names have to be asked for. */
  apply({
    list,
    taskCount,
    states,
    changes = [],
  }: Pick<Frame, 'list' | 'taskCount' | 'states' | 'changes'>): boolean {
    const isNew = list !== this.#list
    if (isNew) {
      this.#list = list
      this.#codes = new Uint8Array(taskCount)
      this.setNames([])
    }
    if (states !== undefined) this.#codes = bytesOf(states)
    for (let at = 0; at + 1 < changes.length; at += 2) this.#codes[changes[at] ?? -1] = changes[at + 1] ?? 0
    return isNew
  }

  /** Takes the names of the list. */
  setNames(names: readonly string[]): void {
    this.#names = names
    this.#searched = undefined
  }

  /** The code of a task. */
  codeOf(index: number): number {
    return this.#codes[index] ?? 0
  }

  /** The state of a task in a word. */
  stateOf(index: number): CodeName {
    return CODE_NAMES[this.codeOf(index)] ?? 'UNREAD'
  }

  /** The name of a task; `undefined` before names have come. */
  nameOf(index: number): string | undefined {
    return this.#names[index]
  }

  /** The place of a name in the list; -1 if it is not there. */
  indexOf(name: string): number {
    return this.#names.indexOf(name)
  }

  /** Number of tasks of each code. */
  counts(): readonly number[] {
    const counts = new Array<number>(CODE_NAMES.length).fill(0)
    for (const code of this.#codes) counts[code] = (counts[code] ?? 0) + 1
    return counts
  }

  /**
   * The tasks that pass both filters, in their order; `undefined` stands for all.
   *
   * @param codes - Codes that pass; none of them is as good as all.
   * @param text - Has to be a part of the name, in small or large letters.
   */
  filter(codes: ReadonlySet<number>, text: string): Uint32Array | undefined {
    if (codes.size === 0 && text === '') return undefined
    const wanted = text.toLowerCase()
    this.#searched ??= this.#names.map((name) => name.toLowerCase())
    const found = new Uint32Array(this.#codes.length)
    let count = 0
    for (let index = 0; index < this.#codes.length; index += 1) {
      if (codes.size > 0 && !codes.has(this.#codes[index] ?? 0)) continue
      if (wanted !== '' && this.#searched[index]?.includes(wanted) !== true) continue
      found[count] = index
      count += 1
    }
    return found.subarray(0, count)
  }
}
