import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A directory of files for one test file, removed at its end. */
export interface TempFiles {
  readonly directory: string
  /** Writes a file and returns its path. */
  write(name: string, content: string | Uint8Array): string
}

/** Makes a directory for the tests of this file. */
export function useTempFiles(): TempFiles {
  const directory = mkdtempSync(join(tmpdir(), 'mpibatch-input-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  return {
    directory,
    write: (name, content) => {
      const path = join(directory, name)
      writeFileSync(path, content)
      return path
    },
  }
}
