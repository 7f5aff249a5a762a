import { ConfigError } from '@mpibatch/batch-core'
import { ownIdentity } from '../process-identity.ts'
import { findPlace, makePlace, sweep } from './buffer-place.ts'
import { BufferStorage } from './buffer-storage.ts'
import type { FileMapping } from './file-mapping.ts'
import { createHolderName } from './holder-name.ts'
import { startJanitor } from './janitor.ts'
import { probePlace } from './place-probe.ts'
import { SharedBuffers } from './shared-buffers.ts'
import { SpillDirectory } from './spill-directory.ts'

const DIRECTORY = '/dev/shm'

/** Options of `openSharedBuffers`. Who shares buffers gives the same directories. */
export interface SharedBuffersOptions {
  /** Where buffers lie: a memory disk, or any directory of this machine. @defaultValue '/dev/shm' */
  readonly directory?: string
  /**
   * Where buffers go that have no room, on a disk.
   *
   * @defaultValue the directory for temporary files; if that is in memory too, buffers without room are refused
   */
  readonly spillDirectory?: string
  /**
   * Bytes that this holder keeps in `directory` at most, without what it has mapped. Beyond it the least recently used
   * buffers go to `spillDirectory`, and are mapped from there. @defaultValue what there is room for
   */
  readonly budgetBytes?: number
}

/** Opens shared buffers, with what maps files here. See `openSharedBuffers` of the command line's package. */
export async function openSharedBuffersWith(
  mapping: FileMapping,
  options: SharedBuffersOptions,
): Promise<SharedBuffers> {
  const { directory = DIRECTORY, spillDirectory, budgetBytes = Number.POSITIVE_INFINITY } = options
  if (!(budgetBytes >= 0)) throw new ConfigError(`A budget of ${budgetBytes} bytes can't be. Give 0 or more.`)
  const self = ownIdentity()
  const holder = createHolderName(self)
  const memory = findPlace(directory, holder)
  const spill = SpillDirectory.find(memory, { directory: spillDirectory, holder, mapping })
  // First, so that there is no moment in which something could be left behind.
  const janitor = await startJanitor([memory.own, ...(spill.place === undefined ? [] : [spill.place.own])])
  try {
    makePlace(memory)
    for (const place of [memory, spill.place]) if (place !== undefined) sweep(place, self)
    await probePlace(memory, mapping)
    // Who asks for moving buffers away hears now that it can't be.
    if (spillDirectory !== undefined || options.budgetBytes !== undefined) await spill.open()
  } catch (error) {
    await janitor.end()
    throw error
  }
  return new SharedBuffers({
    storage: new BufferStorage(memory, spill, budgetBytes),
    ...{ mapping, janitor, self, holder },
  })
}
