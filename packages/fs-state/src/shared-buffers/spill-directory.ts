import { tmpdir } from 'node:os'
import { ConfigError } from '@mpibatch/batch-core'
import { type BufferPlace, findPlace, isInMemory, isSameFileSystem, makePlace } from './buffer-place.ts'
import type { FileMapping } from './file-mapping.ts'
import { probePlace } from './place-probe.ts'

/** Where buffers go for which there is no room in memory: a place that is made when the first one does. */
export class SpillDirectory {
  /** `undefined` if there is none. */
  readonly place: BufferPlace | undefined
  /** Why there is none, for people. */
  readonly fault: string
  readonly #open: (place: BufferPlace) => Promise<void>
  #opened: Promise<BufferPlace> | undefined

  private constructor(found: BufferPlace | string, open: (place: BufferPlace) => Promise<void>) {
    this.place = typeof found === 'string' ? undefined : found
    this.fault = typeof found === 'string' ? found : ''
    this.#open = open
  }

  /**
   * Finds the place; makes nothing.
   *
   * @param options.directory - As the caller has given it; without it, the system's directory for temporary files.
   * @throws {@link ConfigError} if a directory was given, and there is none, or it can't be used.
   */
  static find(
    memory: BufferPlace,
    options: {
      readonly directory: string | undefined
      readonly holder: string
      readonly mapping: FileMapping
    },
  ): SpillDirectory {
    const { directory, holder, mapping } = options
    return new SpillDirectory(findSpillPlace(memory, directory, holder), async (place) => {
      makePlace(place)
      await probePlace(place, mapping)
    })
  }

  /**
   * Makes the place, once.
   *
   * @throws {@link SharedMemoryError} if it can't be used.
   */
  async open(): Promise<BufferPlace> {
    const { place } = this
    if (place === undefined) throw new ConfigError(`${this.fault} ${ADVICE}`)
    this.#opened ??= this.#open(place).then(() => place)
    return await this.#opened
  }
}

const ADVICE = 'Give a directory on a disk as "spillDirectory".'

function findSpillPlace(
  memory: BufferPlace,
  directory: string | undefined,
  holder: string,
): BufferPlace | string {
  let place: BufferPlace
  try {
    place = findPlace(directory ?? tmpdir(), holder)
  } catch (error) {
    if (directory !== undefined) throw error
    return (error as Error).message
  }
  const fault = isSameFileSystem(memory, place)
    ? `is on the same file system as ${memory.base}`
    : isInMemory(place)
      ? 'is in memory itself'
      : undefined
  if (fault === undefined) return place
  const message = `${place.base} ${fault}, so no buffer gives up memory by being moved there.`
  if (directory !== undefined) throw new ConfigError(`${message} ${ADVICE}`, { details: { directory } })
  return message
}
