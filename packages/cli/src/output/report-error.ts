import { MpibatchError } from '@mpibatch/batch-core'
import { exitCodeFor } from '../error-exit-code.ts'
import { EXIT_CODE } from '../exit-code.ts'

/**
 * Says on standard error why a command could not go on.
 *
 * @returns The exit code that belongs to the error.
 */
export function reportError(error: unknown, options: { readonly debug: boolean }): number {
  const exitCode = exitCodeFor(error)
  const message = error instanceof Error ? error.message : String(error)
  const known = error instanceof MpibatchError || exitCode !== EXIT_CODE.bug
  const note = known ? '' : ' (a bug of mpibatch; "--debug" shows where)'
  process.stderr.write(`mpibatch: ${message}${note}\n`)
  if (options.debug && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`)
    if (error.cause instanceof Error)
      process.stderr.write(`cause: ${error.cause.stack ?? error.cause.message}\n`)
  }
  return exitCode
}
