import { join } from 'node:path'
import { ConfigError } from '@mpibatch/batch-core'
import { EXIT_CODE } from '../exit-code.ts'
import type { RunRequest } from '../input/run-request.ts'
import { showWords } from '../input/shell-quoting.ts'
import { printable } from '../output/printable.ts'
import { planCommands, readCommandList } from './plan-commands.ts'

/** Prints name and command of every task, parted by a tab, and changes nothing. */
export async function showPlan(request: RunRequest): Promise<number> {
  const { work } = request
  if (work === undefined || work.kind === 'script') {
    throw new ConfigError(
      '--dry-run shows commands; a job script decides for itself what it runs. Leave it out.',
    )
  }
  const plan = planCommands(request, { command: work, list: readCommandList(request) })
  let index = -1
  for (const { name } of plan.tasks) {
    index += 1
    const place = { slot: 1, attempt: 1, directory: join(plan.root, name) }
    const words = plan.renderCommand(index, place)
    const line = work.kind === 'shell' ? (words.at(-1) ?? '') : showWords(words)
    const written = process.stdout.write(`${printable(name)}\t${printable(line)}\n`)
    if (!written) await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
  return EXIT_CODE.done
}
