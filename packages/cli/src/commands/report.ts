import { dirname } from 'node:path'
import { openRootView } from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import { programVersion } from '../program-version.ts'
import { collectReport } from '../report/collect-report.ts'
import { logLinker } from '../report/log-links.ts'
import { reportPage } from '../report/report-page.ts'
import { checkReportPlace, writeReport } from '../report/write-report.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { onlyRoot } from './task-root.ts'

/** Where the report goes, if nothing else is said. */
const DEFAULT_FILE = 'mpibatch-report.html'

/** `mpibatch report [ROOT] [-o FILE.html]`: writes one page on what ran, and prints the file's name. */
export const reportCommand: Command = {
  async run(argv) {
    const { words, values } = await parseArguments(argv, {
      usage: 'report [ROOT]',
      options: {
        output: {
          type: 'string',
          alias: 'o',
          requiresArg: true,
          describe: `the file to write (${DEFAULT_FILE}); only an older report is replaced`,
        },
      },
    })
    const root = onlyRoot(words)
    const path = typeof values.output === 'string' ? values.output : DEFAULT_FILE
    checkReportPlace(path)
    const view = openRootView(root)
    const logsOf = logLinker(dirname(path), (task) => view.taskDirectory(task))
    const program = `mpibatch ${programVersion()}`
    const data = collectReport({ view, root, program, nowMs: Date.now(), logsOf })
    writeReport(path, reportPage(data))
    process.stdout.write(`${path}\n`)
    return EXIT_CODE.done
  },
}
