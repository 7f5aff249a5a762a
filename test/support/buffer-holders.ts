/** Processes that hold shared buffers and do what a test tells them. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, startNode } from './program.ts'
import { waitUntil } from './wait-until.ts'

const HOLDER = join(import.meta.dirname, '../multi-process/fixtures/buffers-holder.mjs')

/** See `test/multi-process/fixtures/buffers-holder.mjs`. */
export interface Command {
  readonly do: string
  readonly [field: string]: unknown
}

/** A process with shared buffers. */
export interface Holder {
  readonly ended: Promise<Ended>
  /** Sends a command to which no answer comes. */
  send(command: Command): void
  /** Sends a command; the answer comes when it was done. */
  tell(command: Command): Promise<unknown>
  kill(signal: NodeJS.Signals): Promise<Ended>
  pid(): number
}

/** Starts one over a directory; it is killed when the test is over. */
export async function startHolder(directory: string): Promise<Holder> {
  const { child, ended, stdout, stderr } = startNode([HOLDER, directory], {
    cwd: directory,
    holdsInput: true,
  })
  const answers = (): readonly string[] => stdout().split('\n').slice(0, -1)
  const hear = (index: number): Promise<string> =>
    waitUntil(() => answers()[index], { describe: () => `${stdout()}${stderr()}` })
  const send = (command: Command): void => void child.stdin?.write(`${JSON.stringify(command)}\n`)
  let told = 0
  await hear(0)
  return {
    ended,
    send,
    tell: async (command) => {
      told += 1
      const index = told
      send(command)
      return (JSON.parse(await hear(index)) as { answer: unknown }).answer
    },
    kill: (signal) => {
      child.kill(signal)
      return ended
    },
    pid: () => child.pid as number,
  }
}

/** Waits until nothing is left in a directory. */
export function gone(directory: string): Promise<unknown> {
  return waitUntil(() => readdirSync(directory).length === 0, {
    describe: () => readdirSync(directory, { recursive: true }).join(' '),
  })
}
