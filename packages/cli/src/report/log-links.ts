import { lstatSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import type { LogLinks } from './report-data.ts'

/**
 * Makes links to tasks' logs, relative to where the report will stand, so that both can be moved together. A log that
 * is missing, empty or no plain file gets none.
 *
 * @param reportDirectory - Directory of the report.
 */
export function logLinker(
  reportDirectory: string,
  taskDirectory: (name: string) => string,
): (task: string) => LogLinks {
  return (task) => {
    const directory = taskDirectory(task)
    // Nothing is read through a link in the place of a task's directory.
    if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return {}
    const linkTo = (file: string): string | undefined => {
      const path = join(directory, file)
      const found = lstatSync(path, { throwIfNoEntry: false })
      if (found === undefined || !found.isFile() || found.size === 0) return undefined
      return relative(resolve(reportDirectory), resolve(path)).split(sep).map(encodeURIComponent).join('/')
    }
    const [stdout, stderr] = [linkTo('stdout'), linkTo('stderr')]
    return { ...(stdout === undefined ? {} : { stdout }), ...(stderr === undefined ? {} : { stderr }) }
  }
}
