/**
 * The text of a task's `state` file (pure). One word and a newline is written; what is read may be a little looser,
 * exactly as pshmem reads it: the first line, without blanks at its end.
 */
import { isStoredState, STORED_STATES, type StoredState } from '@mpibatch/batch-core'

/** Bytes of a `state` file that are looked at; a longer first line is no state. */
export const STATE_SIZE_MAX = 64

/** What a `state` file says. */
export type StateReading =
  | { readonly kind: 'word'; readonly state: StoredState }
  /** There is no such file. */
  | { readonly kind: 'absent' }
  /** No bytes, NUL bytes only, or the beginning of a word: what a power cut leaves of a file that was not synced. */
  | { readonly kind: 'empty' }
  /** Something else; `reason` ends a sentence: "says "XYZ", which is no state". */
  | { readonly kind: 'invalid'; readonly reason: string }

/** The text of a `state` file. */
export function printState(state: StoredState): string {
  return `${state}\n`
}

/** Reads the first bytes of a `state` file, at most {@link STATE_SIZE_MAX}. */
export function parseState(bytes: Uint8Array): StateReading {
  if (bytes.every((byte) => byte === 0)) return { kind: 'empty' }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  const word = withoutBlanksAtEnd(firstLine(text))
  if (isStoredState(word)) return { kind: 'word', state: word }
  if (STORED_STATES.some((whole) => whole.startsWith(text))) return { kind: 'empty' }
  return { kind: 'invalid', reason: `says ${JSON.stringify(word)}, which is no state` }
}

/** Python's text mode ends a line at any of LF, CR LF and CR. */
function firstLine(text: string): string {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === 0x0a || code === 0x0d) return text.slice(0, index)
  }
  return text
}

function withoutBlanksAtEnd(text: string): string {
  let end = text.length
  while (end > 0 && isPythonBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(0, end)
}

/** The blanks below U+0100 that Python's `rstrip` takes away; JavaScript's `trimEnd` has another idea of them. */
function isPythonBlank(code: number): boolean {
  return (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x20) || code === 0x85 || code === 0xa0
}
