import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Makes an empty directory that is removed when the running test is over. */
export function temporaryDirectory(parent: string = tmpdir()): string {
  const directory = mkdtempSync(join(parent, 'mpibatch-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
