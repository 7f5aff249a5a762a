import { existsSync } from 'node:fs'
import { SharedMemoryError } from '@mpibatch/batch-core'
import { checkBufferSize } from './buffer-limit.ts'
import { addonPath, loadNative } from './native.ts'

/** Files as memory that is read without copying them. */
export interface FileMapping {
  /**
   * Maps the whole of a file for reading only, shared with all who map it. A write into the buffer ends the process.
   *
   * @param descriptor - Open for reading; may be closed then.
   * @param sizeBytes - Size of the file, which must not shrink: reading what is not there ends the process. Not 0.
   * @throws {@link SharedMemoryError} if it is more than one buffer of this Node can be (4 GiB in Node 20).
   */
  map(descriptor: number, sizeBytes: number): ArrayBuffer
  /** Ends a mapping; the buffer's length is 0 from then on. */
  unmap(buffer: ArrayBuffer): void
}

/**
 * Opens what maps files, in any thread; no MPI is needed or started.
 *
 * @throws {@link SharedMemoryError} if the addon is not there.
 */
export function openFileMapping(): FileMapping {
  if (!existsSync(addonPath)) {
    throw new SharedMemoryError(
      `Shared buffers need the addon of mpibatch to map files, and it is not there: ${addonPath}. Install a C++ compiler (Debian: g++) and run "npm run build".`,
      { details: { path: addonPath } },
    )
  }
  const native = loadNative()
  return {
    map: (descriptor, sizeBytes) => {
      checkBufferSize(sizeBytes)
      return native.mapFile(descriptor, sizeBytes)
    },
    unmap: (buffer) => native.unmapFile(buffer),
  }
}
