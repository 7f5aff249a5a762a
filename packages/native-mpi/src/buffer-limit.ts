import { constants } from 'node:buffer'
import { SharedMemoryError } from '@mpibatch/batch-core'

/**
 * Checks that memory fits into one buffer of this Node: the addon can't be asked for more, on pain of a crash.
 *
 * @throws {@link SharedMemoryError} if not.
 */
export function checkBufferSize(sizeBytes: number): void {
  if (sizeBytes <= constants.MAX_LENGTH) return
  throw new SharedMemoryError(
    `${sizeBytes} bytes were asked for at once, but memory that processes share has ${constants.MAX_LENGTH} at most in Node ${process.version}. Take several arrays, or a later Node.`,
    { details: { sizeBytes, sizeBytesMax: constants.MAX_LENGTH } },
  )
}
