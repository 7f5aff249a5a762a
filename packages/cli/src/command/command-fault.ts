import { accessSync, constants } from 'node:fs'
import type { Command, CommandResult } from './command-runner.ts'
import type { ExecutableFinder } from './executable-finder.ts'

/** Why a command could not be started, or why it failed in a way that its exit code alone doesn't tell. */
export type CommandFault = Pick<CommandResult, 'reason' | 'message'>

/**
 * Finds the file that a command runs, or what stands in the way of its start: its working directory, or its program.
 *
 * @returns The file as execvp(3) names it, seen from the working directory.
 */
export function findCommand(
  command: Command,
  finder: ExecutableFinder,
): { readonly file: string } | CommandFault {
  const { directory } = command
  try {
    // With the dot, a file fails too.
    accessSync(`${directory}/.`, constants.X_OK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const fault =
      code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is no directory' : 'may not be entered'
    return { reason: 'error', message: `Its working directory ${directory} ${fault} (${code}).` }
  }
  const searchPath = command.environment.PATH
  const search = finder.find(command.argv[0] ?? '', { directory, searchPath })
  return search.kind === 'found' ? { file: search.file } : { reason: search.kind, message: search.message }
}

/** The system's reason why no process could be started, in words. */
export function startFault(error: NodeJS.ErrnoException): CommandFault {
  return { reason: 'error', message: startFaultMessage(error) }
}

function startFaultMessage(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'E2BIG':
      return 'Its arguments and environment are longer than the system takes (E2BIG). Give long values in a file.'
    case 'EAGAIN':
      return 'The system allows no more processes (EAGAIN). Run fewer at once (--jobs), or raise the limit (ulimit -u).'
    case 'EMFILE':
    case 'ENFILE':
      return `Too many files are open (${error.code}). Run fewer at once (--jobs), or raise the limit (ulimit -n).`
    case 'ENOMEM':
      return 'There is not enough memory for another process (ENOMEM). Run fewer at once (--jobs).'
    default:
      return `It could not be started: ${error.message}`
  }
}

/** What a shell means by the two exit codes that it keeps for commands it can't run; only for a line of a shell. */
export function shellFault(argv: readonly string[], exitCode: number | null): string | undefined {
  if (argv[0] !== '/bin/sh' || argv[1] !== '-c') return undefined
  if (exitCode === 127) return 'the shell found no such command'
  if (exitCode === 126) return 'the shell could not execute the command'
  return undefined
}
