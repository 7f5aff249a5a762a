/** Shared buffers over real directories, with a port that reads files instead of mapping them. */
import { fstatSync, mkdirSync, mkdtempSync, readdirSync, readSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { FileMapping, SharedBuffers, SharedBuffersOptions } from '../../src/index.ts'
import { openSharedBuffersWith } from '../../src/index.ts'

/** The port in memory: what it gives are copies. */
export const readingMapping: FileMapping = {
  map: (descriptor, sizeBytes) => {
    const buffer = new ArrayBuffer(sizeBytes)
    if (readSync(descriptor, new Uint8Array(buffer), 0, sizeBytes, 0) !== fstatSync(descriptor).size)
      throw new Error('the file has another size')
    return buffer
  },
  unmap: (buffer) => void structuredClone(buffer, { transfer: [buffer] }),
}

/** An empty directory below another, which is removed when the running test is over. */
export function freshDirectory(parent: string): string {
  const directory = mkdtempSync(join(parent, 'mpibatch-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Why there are not two file systems here, in memory and on a disk; empty if there are. */
export const NO_TWO_DISKS: string = whyNoTwoDisks()

function whyNoTwoDisks(): string {
  const memory = statSync('/dev/shm', { throwIfNoEntry: false })
  if (memory === undefined) return 'there is no /dev/shm'
  return memory.dev === statSync(tmpdir()).dev ? 'the directory for temporary files is in memory' : ''
}

if (NO_TWO_DISKS !== '')
  process.stderr.write(`Tests that move buffers to a disk are skipped: ${NO_TWO_DISKS}.\n`)

/** Opens holders over one directory, and closes them when the running test is over. */
export function bufferOpener(
  directory: string = freshDirectory(tmpdir()),
): (options?: SharedBuffersOptions) => Promise<SharedBuffers> {
  return async (options = {}) => {
    const buffers = await openSharedBuffersWith(readingMapping, { directory, ...options })
    onTestFinished(() => buffers.close())
    return buffers
  }
}

/** The names of all files below a directory, without those that lead to them; of buffers, their ids. */
export function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .toSorted()
}

/** Makes the directory of a holder with this name, and a buffer in it. */
export function pretendHolder(directory: string, name: string): string {
  const root = join(directory, `mpibatch-buffers-${process.geteuid?.() ?? 0}`)
  mkdirSync(join(root, name), { recursive: true, mode: 0o700 })
  return join(root, name)
}
