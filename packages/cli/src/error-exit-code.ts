import { MpibatchError } from '@mpibatch/batch-core'
import { EXIT_CODE } from './exit-code.ts'

const USAGE_CODES = new Set([
  'ERR_MPIBATCH_CONFIG_INVALID',
  'ERR_MPIBATCH_CONFIG_MISMATCH',
  'ERR_MPIBATCH_TASKS_CHANGED',
])
const ENVIRONMENT_CODES = new Set([
  'ERR_MPIBATCH_STORE_UNUSABLE',
  'ERR_MPIBATCH_STATE_CORRUPT',
  'ERR_MPIBATCH_STATE_IO',
  'ERR_MPIBATCH_LEASE_LOST',
  'ERR_MPIBATCH_SHARED_FILE',
  'ERR_MPIBATCH_MPI',
  'ERR_MPIBATCH_SCHEDULER',
  'ERR_MPIBATCH_SHARED_MEMORY',
])

/** The exit code that belongs to the code of an error (`docs/errors.md`), or `undefined` for errors not of ours. */
export function exitCodeOf(errorCode: string | undefined): number | undefined {
  if (errorCode === undefined) return undefined
  if (USAGE_CODES.has(errorCode)) return EXIT_CODE.usage
  if (ENVIRONMENT_CODES.has(errorCode)) return EXIT_CODE.environment
  if (errorCode.startsWith('ERR_MPIBATCH_')) return EXIT_CODE.bug
  return undefined
}

/** System errors that tell of the environment and not of a bug of ours. */
const SYSTEM_CODES = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EACCES',
  'EPERM',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ESTALE',
])

/** The exit code for an error that ends a command. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof MpibatchError) return exitCodeOf(error.code) ?? EXIT_CODE.bug
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && SYSTEM_CODES.has(code) ? EXIT_CODE.environment : EXIT_CODE.bug
}
