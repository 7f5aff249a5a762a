/** The files of buffers: written once, then only read. */
import { closeSync, constants, fstatSync, openSync, renameSync, rmSync } from 'node:fs'
import { copyFile, open } from 'node:fs/promises'
import { SharedMemoryError, StateCorruptError } from '@mpibatch/batch-core'
import { codeOf } from '../io-error.ts'

const { COPYFILE_EXCL, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** Nobody changes what others have mapped, neither do we. */
const READ_ONLY = 0o400
/** One call of the system takes less than 2 GiB. */
const PIECE_SIZE_BYTES = 1 << 26

/** Makes the file of a buffer; it must not exist, and is gone again if that fails. */
export async function writeBuffer(path: string, values: ArrayBufferView): Promise<void> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, READ_ONLY)
  try {
    for (let offset = 0; offset < bytes.length; ) {
      const { bytesWritten } = await file.write(
        bytes,
        offset,
        Math.min(PIECE_SIZE_BYTES, bytes.length - offset),
      )
      offset += bytesWritten
    }
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/** Copies the file of a buffer; nobody sees the copy before it is whole. */
export async function copyBuffer(from: string, path: string): Promise<void> {
  const staged = `${path}.new`
  try {
    await copyFile(from, staged, COPYFILE_EXCL)
    renameSync(staged, path)
  } catch (error) {
    rmSync(staged, { force: true })
    throw error
  }
}

/**
 * Opens the file of a buffer to be mapped.
 *
 * @throws {@link StateCorruptError} if it is no file of this size: reading what is mapped beyond its end would end the
 *   process.
 */
export function openBuffer(path: string, sizeBytes: number): number {
  let descriptor: number
  try {
    descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    throw ioError('open', path, error)
  }
  const found = fstatSync(descriptor)
  if (found.isFile() && found.size === sizeBytes) return descriptor
  closeSync(descriptor)
  throw new StateCorruptError(
    `The shared buffer ${path} should have ${sizeBytes} bytes, but has ${found.size}. The reference was changed, or the file was.`,
    { details: { path, sizeBytes, found: found.size } },
  )
}

/** The error that says what could not be done with the file of a buffer. */
export function ioError(action: string, path: string, error: unknown): SharedMemoryError {
  return new SharedMemoryError(
    `Could not ${action} the shared buffer ${path}: ${(error as Error).message}.`,
    {
      cause: error,
      details: { path, code: codeOf(error) },
    },
  )
}
