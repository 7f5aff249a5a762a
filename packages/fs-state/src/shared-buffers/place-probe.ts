import { closeSync, linkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SharedMemoryError } from '@mpibatch/batch-core'
import { isLinkRefusal } from '../file-access.ts'
import { openBuffer, writeBuffer } from './buffer-files.ts'
import { type BufferPlace, fileSystemName } from './buffer-place.ts'
import type { FileMapping } from './file-mapping.ts'

const BYTES = Uint8Array.from({ length: 16 }, (_, index) => 255 - index)

/**
 * Tries out whether a place can hold buffers, in the directory of this holder.
 *
 * @throws {@link SharedMemoryError} that says what its file system can't do.
 */
export async function probePlace(place: BufferPlace, mapping: FileMapping): Promise<void> {
  const path = join(place.own, 'probe')
  const linked = join(place.own, 'probed')
  try {
    await writeBuffer(path, BYTES)
  } catch (error) {
    throw refusal(place, `can't be written to: ${(error as Error).message}`, error)
  }
  try {
    linkSync(path, linked)
  } catch (error) {
    if (!isLinkRefusal(error)) throw error
    const reason = `has no hard links, by which each holder keeps what it uses: ${(error as Error).message}`
    throw refusal(place, reason, error)
  }
  const descriptor = openBuffer(linked, BYTES.length)
  try {
    const buffer = mapping.map(descriptor, BYTES.length)
    const isSame = Buffer.from(buffer).equals(BYTES)
    mapping.unmap(buffer)
    if (!isSame) throw new Error('the mapped bytes are not those that were written')
  } catch (error) {
    throw refusal(place, `can't map files into memory: ${(error as Error).message}`, error)
  } finally {
    closeSync(descriptor)
  }
  unlinkSync(path)
  unlinkSync(linked)
}

function refusal(place: BufferPlace, fault: string, cause: unknown): SharedMemoryError {
  const { base } = place
  return new SharedMemoryError(
    `${base} can't hold shared buffers: its file system (${fileSystemName(place)}) ${fault}. Give another directory, such as /dev/shm.`,
    { cause, details: { directory: base } },
  )
}
