import { roomFor } from '@mpibatch/batch-core'
import { readBlock } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { toStateIoError } from './io-error.ts'
import { type ManifestEntry, type ManifestPlace, parseManifestEntry } from './manifest.ts'
import { manifestPath } from './store-paths.ts'

/** Bytes that are read at a time: of lines that are asked for in their order, most are there already. */
const BLOCK_SIZE = 1 << 16

/** Finds lines of a manifest again, by where they stand; 16 bytes a task. Segments are never changed. */
export class ManifestLookup {
  readonly #files: FileLayer
  readonly #root: string
  /** Segment, offset and size of each task's line; segment 0 where there is none. */
  #segments = new Uint32Array(0)
  #offsets = new Float64Array(0)
  #sizes = new Uint32Array(0)
  #block: { readonly segment: number; readonly offset: number; readonly bytes: Buffer } | undefined

  constructor(files: FileLayer, root: string) {
    this.#files = files
    this.#root = root
  }

  /** Notes where the line of a task stands. */
  set(position: number, { segment, offset, size }: ManifestPlace): void {
    this.#segments = roomFor(this.#segments, position)
    this.#offsets = roomFor(this.#offsets, position)
    this.#sizes = roomFor(this.#sizes, position)
    this.#segments[position] = segment
    this.#offsets[position] = offset
    this.#sizes[position] = size
  }

  /**
   * What a task's line says; `undefined` if it has none.
   *
   * @throws {@link StateIoError}
   */
  entryOf(position: number): ManifestEntry | undefined {
    const segment = this.#segments[position] ?? 0
    if (segment === 0) return undefined
    const path = manifestPath(this.#root, segment)
    const place = { segment, offset: this.#offsets[position] ?? 0, size: this.#sizes[position] ?? 0 }
    const entry = parseManifestEntry(this.#read(path, place))
    if (typeof entry !== 'string') return entry
    throw toStateIoError(new Error('it was changed meanwhile'), { path, action: 'read' })
  }

  #read(path: string, { segment, offset, size }: ManifestPlace): string {
    const known = this.#block
    const from = known?.segment === segment ? offset - known.offset : -1
    if (known !== undefined && from >= 0 && from + size <= known.bytes.length)
      return known.bytes.toString('utf8', from, from + size)
    try {
      const bytes = readBlock(this.#files, path, { offset, size: Math.max(size, BLOCK_SIZE) })
      this.#block = { segment, offset, bytes }
      return bytes.toString('utf8', 0, size)
    } catch (error) {
      throw toStateIoError(error, { path, action: 'read' })
    }
  }
}
