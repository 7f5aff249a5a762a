import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'

/** What a program's name leads to. */
export type ExecutableSearch =
  | {
      readonly kind: 'found'
      readonly path: string
      /** The same as `execvp` names it: seen from the working directory. */
      readonly file: string
    }
  | { readonly kind: 'not-found' | 'not-executable'; readonly message: string }

/** What C libraries search when the environment has no `PATH`. */
const SEARCH_PATH_DEFAULT = '/bin:/usr/bin'
/** Length of a first line that names an interpreter, as far as Linux reads it. */
const INTERPRETER_LINE_SIZE = 256

/**
 * Finds the file that would run for a program's name, by the rules of `execvp`.
 *
 * It is asked before each start: whether a program is missing or may not run can't be told apart reliably from
 * the exit code afterwards, and a script whose interpreter is missing looks like a missing script.
 */
export function findExecutable(
  program: string,
  place: { readonly directory: string; readonly searchPath: string | undefined },
): ExecutableSearch {
  if (program === '') {
    return { kind: 'not-found', message: 'The command is empty: its first word names no program.' }
  }
  if (program.includes('/')) return inspect(program, place.directory)
  let refused: ExecutableSearch | undefined
  for (const entry of (place.searchPath ?? SEARCH_PATH_DEFAULT).split(':')) {
    const search = inspect(`${entry === '' ? '.' : entry}/${program}`, place.directory)
    if (search.kind === 'found') return search
    if (search.kind === 'not-executable') refused ??= search
  }
  return (
    refused ?? {
      kind: 'not-found',
      message: `There is no program ${JSON.stringify(program)} on the PATH. Check its name, or give its path.`,
    }
  )
}

function inspect(path: string, directory: string): ExecutableSearch {
  // Joined by hand: normalising "a/../b" would go wrong where "a" is a symbolic link.
  const file = isAbsolute(path) ? path : `${directory}/${path}`
  try {
    // Most entries of a path lack the program, and an exception for each would cost more than the look.
    const status = statSync(file, { throwIfNoEntry: false })
    if (status === undefined) return { kind: 'not-found', message: `There is no program ${file}.` }
    if (status.isDirectory()) return { kind: 'not-executable', message: `${file} is a directory.` }
    accessSync(file, constants.X_OK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return code === 'EACCES'
      ? { kind: 'not-executable', message: `${file} may not be executed. Check its permissions (chmod +x).` }
      : { kind: 'not-found', message: `There is no program ${file}.` }
  }
  const interpreter = interpreterOf(file)
  if (interpreter === undefined || canExecute(interpreter, directory)) {
    return { kind: 'found', path: file, file: path }
  }
  return {
    kind: 'not-executable',
    message: `${file} can't run: its interpreter ${JSON.stringify(interpreter)} is missing or may not be executed.`,
  }
}

/** The interpreter that a script's first line names; `undefined` for programs, and for what can't be read. */
function interpreterOf(file: string): string | undefined {
  let descriptor: number
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  try {
    const buffer = Buffer.alloc(INTERPRETER_LINE_SIZE)
    const size = readSync(descriptor, buffer, 0, buffer.length, 0)
    return /^#![ \t]*([^\s\0]+)/.exec(buffer.toString('utf8', 0, size))?.[1]
  } catch {
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

function canExecute(path: string, directory: string): boolean {
  try {
    accessSync(isAbsolute(path) ? path : `${directory}/${path}`, constants.X_OK)
    return true
  } catch {
    return false
  }
}
