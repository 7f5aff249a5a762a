import { collectGarbage, type GarbageReport } from '@mpibatch/fs-state'
import { EXIT_CODE } from '../exit-code.ts'
import { formatDuration } from '../input/duration.ts'
import { readLiveness } from '../input/liveness-variable.ts'
import { alignColumns } from '../output/task-line.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { onlyRoot } from './task-root.ts'

/** What each count is of, in the order of the output. */
const MEANINGS: Readonly<Record<keyof GarbageReport, string>> = {
  events: 'events of DONE tasks',
  payloads: 'payloads that belong to no event',
  values: 'values of attempts that did not count',
  journals: 'journals, merged into a snapshot of the index',
  snapshots: 'older snapshots of the index',
  leftovers: 'tokens, heartbeats and the like of instances that are gone',
  instances: 'directories of such instances; their attempts are kept in the history',
}

/** `mpibatch gc [ROOT] [--dry-run] [--assert-stopped]`: removes what nothing needs any more. */
export const gcCommand: Command = {
  async run(argv) {
    const { words, values } = await parseArguments(argv, {
      usage: 'gc [ROOT]',
      options: {
        'dry-run': { type: 'boolean', describe: 'only show how much would be removed' },
        'assert-stopped': {
          type: 'boolean',
          describe: 'vouch that every instance has stopped, also one that only fell silent',
        },
      },
    })
    const report = await collectGarbage(onlyRoot(words), {
      dryRun: values['dry-run'] === true,
      assertStopped: values['assert-stopped'] === true,
      liveness: readLiveness(process.env.MPIBATCH_LIVENESS),
      onWait: (waitMs) =>
        process.stderr.write(
          `mpibatch: waiting ${formatDuration(waitMs)}, so that instances on other machines see gc before it begins.\n`,
        ),
    })
    const rows = Object.entries(MEANINGS).map(([key, meaning]) => [
      String(report[key as keyof GarbageReport]),
      meaning,
    ])
    const title = values['dry-run'] === true ? 'WOULD REMOVE' : 'REMOVED'
    for (const line of alignColumns([['COUNT', title], ...rows])) process.stdout.write(`${line}\n`)
    return EXIT_CODE.done
  },
}
