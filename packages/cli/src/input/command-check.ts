import { ConfigError } from '@mpibatch/batch-core'
import { findExecutable } from '../command/find-executable.ts'

/**
 * Finds the program that a command starts, before any task is claimed.
 *
 * @param program - The first word of the command. With a slash it is a path from the working directory, else a name
 *   that is looked up.
 * @param environment - Environment of the tasks; its PATH is searched.
 * @returns Absolute path of the program.
 * @throws {@link ConfigError} telling apart what is not there and what may not be executed.
 */
export function findProgram(program: string, environment: NodeJS.ProcessEnv): string {
  const search = findExecutable(program, { directory: process.cwd(), searchPath: environment.PATH })
  if (search.kind === 'found') return search.path
  const hint = program.includes('/') ? '' : " What only a shell knows is run with -c 'LINE'."
  throw new ConfigError(`No task was started. ${search.message}${hint}`, { details: { program } })
}
