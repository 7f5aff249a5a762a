import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const INTERVAL_MS = 250
const PIECE_SIZE = 64 * 1024

/**
 * Prints a file as it grows, until its writer has ended and all of it is printed. A file that is not there yet is
 * waited for; one that is made anew (the task's next attempt) is printed from its start.
 */
export async function followFile(
  path: string,
  options: { readonly ended: () => boolean; readonly output: NodeJS.WritableStream },
): Promise<void> {
  let descriptor: number | undefined
  let position = 0
  for (;;) {
    // Asked before reading: what was written until then is read below, so nothing of the end is missed.
    const ended = options.ended()
    if (descriptor !== undefined && isReplaced(path, descriptor)) {
      position += printFrom(descriptor, position, options.output)
      closeSync(descriptor)
      descriptor = undefined
    }
    if (descriptor === undefined) {
      descriptor = openIfThere(path)
      position = 0
    }
    if (descriptor !== undefined) position += printFrom(descriptor, position, options.output)
    if (ended) break
    await pause(INTERVAL_MS)
  }
  if (descriptor !== undefined) closeSync(descriptor)
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isReplaced(path: string, descriptor: number): boolean {
  const current = statSync(path, { throwIfNoEntry: false })
  return current !== undefined && current.ino !== fstatSync(descriptor).ino
}

function printFrom(descriptor: number, position: number, output: NodeJS.WritableStream): number {
  const piece = Buffer.alloc(PIECE_SIZE)
  let printed = 0
  for (;;) {
    const size = readSync(descriptor, piece, 0, PIECE_SIZE, position + printed)
    if (size === 0) return printed
    output.write(Buffer.from(piece.subarray(0, size)))
    printed += size
  }
}
