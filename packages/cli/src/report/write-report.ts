import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ConfigError } from '@mpibatch/batch-core'
import { REPORT_MARK } from './report-page.ts'

/**
 * Checks that a report can be written there: nothing, or an older report.
 *
 * @throws {@link ConfigError} if something else is there, or its directory is missing.
 */
export function checkReportPlace(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) {
    if (lstatSync(dirname(path), { throwIfNoEntry: false }) === undefined)
      throw new ConfigError(
        `There is no directory ${JSON.stringify(dirname(path))} to write the report into.`,
      )
    return
  }
  if (!found.isFile() || !isReport(path)) {
    throw new ConfigError(
      `${JSON.stringify(path)} is there, and is no report of mpibatch. Name another file with -o, or remove it.`,
    )
  }
}

/** Writes a report whole: whoever opens the file meanwhile sees the old one, or the new one. */
export function writeReport(path: string, text: string): void {
  const staged = join(dirname(path), `.${basename(path)}.${process.pid}.new`)
  try {
    const descriptor = openSync(staged, 'wx')
    try {
      writeFileSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(staged, path)
  } catch (error) {
    rmSync(staged, { force: true })
    throw error
  }
}

function isReport(path: string): boolean {
  const descriptor = openSync(path, 'r')
  try {
    const start = Buffer.alloc(REPORT_MARK.length)
    const size = readSync(descriptor, start, 0, start.length, 0)
    return start.toString('latin1', 0, size) === REPORT_MARK
  } finally {
    closeSync(descriptor)
  }
}
