import { openSharedBuffersWith, type SharedBuffers, type SharedBuffersOptions } from '@mpibatch/fs-state'

/**
 * Opens buffers that processes of this machine share: a holder of its own in this process, which needs no others. Not
 * collective; works in ranks of any runtime, in threads, and in programs that are no ranks.
 *
 * A directory is made that only this user can read, and a small process is started that removes it when this one has
 * ended, also by `kill -9`. What holders have left whose removing processes were ended with them is removed now.
 *
 * @throws {@link ConfigError} for a directory that is not there or is not safe, or a `spillDirectory` that is in memory.
 * @throws {@link SharedMemoryError} if the file system of a directory can't hold buffers, such as one without hard
 *   links, or if this machine has no addon of mpibatch, which maps files.
 */
export async function openSharedBuffers(options: SharedBuffersOptions = {}): Promise<SharedBuffers> {
  const { openFileMapping } = await import('@mpibatch/native-mpi')
  return await openSharedBuffersWith(openFileMapping(), options)
}
