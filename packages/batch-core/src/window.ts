import { createProcessWindow } from './process-window.ts'
import { checkSame } from './rank-checks.ts'
import type { MemberPlace } from './shared-memory.ts'
import type { SharedWindow } from './shared-window.ts'
import { SharedWordsWindow } from './shared-words-window.ts'

/** Makes a window. Collective over the members. */
export async function createWindow(length: number, place: MemberPlace): Promise<SharedWindow> {
  const { communicator, memory, nodeOf, ownerWorldRank, decide } = place
  if (memory === undefined) {
    const buffer = await decide(length, (lengths) => {
      checkLengths(lengths)
      return allocateWords(length)
    })
    return new SharedWordsWindow(new Int32Array(buffer), () => communicator.barrier())
  }
  await decide(length, checkLengths)
  const isNearOwner = nodeOf(0) === nodeOf(communicator.rank)
  return createProcessWindow({ length, communicator, memory, isNearOwner, ownerWorldRank })
}

function checkLengths(lengths: readonly number[]): void {
  checkSame('createWindow got the lengths', lengths)
}

function allocateWords(length: number): SharedArrayBuffer {
  return new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT)
}
