import { realpathSync } from 'node:fs'
import { withoutOptions } from '../input/arguments.ts'
import type { RunRequest } from '../input/run-request.ts'
import { readsStandardInput } from '../input/task-source.ts'
import { supervise } from './supervise.ts'
import { SUPERVISED_WORD } from './supervised.ts'

/**
 * Runs what was asked for in ranks that a launcher starts.
 *
 * @param argv - The words behind `mpibatch run`.
 * @returns The exit code.
 */
export async function runLaunched(argv: readonly string[], { options, source }: RunRequest): Promise<number> {
  const { launcher = '', groupSize, restarts, timeLimit } = options
  const program = process.argv[1]
  if (program === undefined)
    throw new Error('A process without a script was to start itself through a launcher')
  const isLimited = typeof timeLimit === 'number'
  const own = withoutOptions(argv, ['launcher', 'restarts', ...(isLimited ? ['time-limit'] : [])])
  const input = source !== undefined && readsStandardInput(source) ? await readInput() : undefined
  return await supervise({
    launcher,
    restarts,
    groupSize,
    rankWords: ({ token, again }) => [
      ...[process.execPath, ...process.execArgv, realpathSync(program), 'run', SUPERVISED_WORD, token],
      // What a lost rank has left is taken over as soon as it is known to be dead.
      ...(again && !options.wait ? ['--wait'] : []),
      // Ranks that are started again have what is left.
      ...(isLimited ? [`--time-limit=${Math.max(Math.round(timeLimit - performance.now()), 0)}ms`] : []),
      ...own,
    ],
    input,
    onLine: (line) => process.stderr.write(`${line}\n`),
  })
}

/** Kept, since every start reads it anew. */
async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
