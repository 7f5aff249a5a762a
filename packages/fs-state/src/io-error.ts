/** What the system's error codes mean to the store (pure but for the pauses of {@link repeatUnclear}). */
import { constants } from 'node:os'
import { type Awaitable, catching, StateIoError } from '@mpibatch/batch-core'
import type { FileLayer } from './file-layer.ts'

/** Tries of a call whose outcome stays unclear. */
const TRIES_MAX = 5

/** Pause before the second try; it doubles. */
const PAUSE_MS = 10

/** Errors after which a call may have taken effect or not. */
const UNCLEAR = new Set(['EIO', 'ETIMEDOUT', 'ESTALE', 'EINTR', 'EAGAIN', 'EREMOTEIO', 'EHOSTDOWN'])

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full; free some space and run again.',
  EDQUOT: 'The quota is used up; free some space and run again.',
  EROFS: 'The file system is read-only; make it writable, or choose another --root.',
  EACCES: 'Permission is denied; check who owns the task root.',
  EPERM: 'The system does not permit it; check who owns the task root, and how it is mounted.',
  EMFILE: 'This process has too many files open; raise "ulimit -n".',
  ENOENT: 'Something has removed it; leave the task root alone while tasks run.',
  ESTALE:
    'The file server does not know the file any more; run again, and mount the file system anew if it stays so.',
}

/** How Node says that it has no name for an error: "Unknown system error -116". */
const NAMELESS = /^Unknown system error -(\d+)$/

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
)

/**
 * Code of a system's error, `ENOENT`; empty for anything else. ESTALE and EDQUOT, which Node knows by number only, get
 * their names.
 */
export function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown }
  if (typeof code !== 'string') return ''
  const number = NAMELESS.exec(code)?.[1]
  return (number === undefined ? undefined : NAMES.get(Number(number))) ?? code
}

/** Tells whether the call may have taken effect although it failed. */
export function isUnclear(error: unknown): boolean {
  return UNCLEAR.has(codeOf(error))
}

/** What a person can do about an error code, as a sentence. */
export function remedyOf(error: unknown): string {
  return (
    REMEDIES[codeOf(error)] ??
    'Check the disk and its connection, then run again; nothing was reported as done.'
  )
}

/** Wraps a system's error into one that says what the store was doing. */
export function toStateIoError(
  error: unknown,
  where: {
    readonly path: string
    readonly action: string
    readonly slot?: number
    /** The slot's event may have been made. */
    readonly tried?: boolean
  },
): StateIoError {
  const { path, action, slot, tried = false } = where
  if (error instanceof StateIoError) {
    if (!tried || error.details.tried === true) return error
    const details = { ...error.details, tried, ...(slot === undefined ? {} : { slot }) }
    return new StateIoError(error.message, { cause: error.cause, details })
  }
  return new StateIoError(`Could not ${action} ${path}: ${reasonOf(error)}. ${remedyOf(error)}`, {
    cause: error,
    details: { path, code: codeOf(error), tried, ...(slot === undefined ? {} : { slot }) },
  })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: unknown }
  // Node's text for an error without a name says its number twice.
  const name = codeOf(error)
  return name === code ? error.message : error.message.replace(`${code}: ${code}`, name)
}

/**
 * Repeats a call while its outcome is unclear, a bounded number of times, with a growing pause.
 *
 * The call must be one that may be repeated after it has taken effect. Any other error, and the last unclear one, is
 * thrown as it is.
 *
 * @returns What the call returned: no promise if it returned none at its first try, which is what most do.
 */
export function repeatUnclear<T>(files: Pick<FileLayer, 'pause'>, call: () => Awaitable<T>): Awaitable<T> {
  return catching<T>(call, (error) => repeatAfter(files, call, error))
}

async function repeatAfter<T>(
  files: Pick<FileLayer, 'pause'>,
  call: () => Awaitable<T>,
  first: unknown,
): Promise<T> {
  let last = first
  for (let tried = 1; tried < TRIES_MAX && isUnclear(last); tried += 1) {
    await files.pause(PAUSE_MS * 2 ** (tried - 1))
    try {
      return await call()
    } catch (error) {
      last = error
    }
  }
  throw last
}
