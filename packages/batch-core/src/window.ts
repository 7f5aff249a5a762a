import { ConfigMismatchError } from './errors.ts'
import { createProcessWindow } from './process-window.ts'
import type { MemberPlace } from './shared-memory.ts'
import type { SharedWindow } from './shared-window.ts'
import { SharedWordsWindow } from './shared-words-window.ts'

/** Makes a window. Collective over the members. */
export async function createWindow(length: number, place: MemberPlace): Promise<SharedWindow> {
  const { communicator, memory, nodeOf, ownerWorldRank, decide } = place
  if (memory === undefined) {
    const buffer = await decide(length, (lengths) => allocateWords(agreedLength(lengths)))
    return new SharedWordsWindow(new Int32Array(buffer), () => communicator.barrier())
  }
  await decide(length, agreedLength)
  const isNearOwner = nodeOf(0) === nodeOf(communicator.rank)
  return createProcessWindow({ length, communicator, memory, isNearOwner, ownerWorldRank })
}

function agreedLength(lengths: readonly number[]): number {
  const [length = 0] = lengths
  if (lengths.some((other) => other !== length)) {
    throw new ConfigMismatchError(
      `createWindow got the lengths ${lengths.join(', ')} from ranks 0 to ${lengths.length - 1}. Give the same on all ranks.`,
    )
  }
  return length
}

function allocateWords(length: number): SharedArrayBuffer {
  return new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT)
}
