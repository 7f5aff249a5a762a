import { statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { type ExecutableSearch, findExecutable } from './find-executable.ts'

/** What was found last, and what the file looked like then. */
interface Found {
  readonly program: string
  readonly searchPath: string | undefined
  readonly search: ExecutableSearch & { readonly kind: 'found' }
  readonly stamp: string | undefined
}

/**
 * Finds the file that would run for a program's name, as {@link findExecutable}, for many commands after each other.
 *
 * Most commands of a run have one program. As long as nothing about its file has changed, one look at that stands for
 * the search; a file of the same name that comes to an earlier place of the path goes unseen then, as in a shell.
 */
export class ExecutableFinder {
  #last: Found | undefined

  /** See {@link findExecutable}. */
  find(
    program: string,
    place: { readonly directory: string; readonly searchPath: string | undefined },
  ): ExecutableSearch {
    const { searchPath } = place
    const last = this.#last
    if (last?.program === program && last.searchPath === searchPath && isUnchanged(last)) return last.search
    const search = findExecutable(program, place)
    // A relative one is another file in another directory.
    const isKept = search.kind === 'found' && isAbsolute(search.file)
    this.#last = isKept ? { program, searchPath, search, stamp: stampOf(search.file) } : undefined
    return search
  }
}

function isUnchanged({ search, stamp }: Found): boolean {
  return stamp !== undefined && stampOf(search.file) === stamp
}

/** Differs whenever a file was replaced, written, or given other permissions; `undefined` where there is none. */
function stampOf(file: string): string | undefined {
  try {
    const status = statSync(file, { throwIfNoEntry: false })
    return status && `${status.dev} ${status.ino} ${status.mode} ${status.size} ${status.ctimeMs}`
  } catch {
    return undefined
  }
}
