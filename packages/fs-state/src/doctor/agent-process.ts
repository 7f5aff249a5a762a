/**
 * A process of the doctor: does one job after the other, and ends with whoever started it. A program of its own,
 * started by `agent.ts`.
 */
import { createInterface } from 'node:readline'
import { codeOf } from '../io-error.ts'
import type { JobReply, JobRequest } from './agent-message.ts'
import { JOBS, type JobName } from './jobs/job-table.ts'

// Ctrl-C reaches the whole group; the doctor ends its processes itself, when they have let go of its directory.
process.on('SIGINT', () => undefined)

if (process.send === undefined) serveLines()
else serveMessages()

function serveMessages(): void {
  process.on('message', (request: JobRequest) => {
    void answer(request).then((reply) => process.send?.(reply))
  })
  process.on('disconnect', () => process.exit())
}

function serveLines(): void {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    void answer(JSON.parse(line) as JobRequest).then((reply) =>
      process.stdout.write(`${JSON.stringify(reply)}\n`),
    )
  })
  lines.on('close', () => process.exit())
  // A shell's greeting may come before this line, and nothing of ours does.
  process.stdout.write('{"id":0}\n')
}

async function answer({ id, job, input }: JobRequest): Promise<JobReply> {
  try {
    const work = JOBS[job as JobName] as (input: unknown) => unknown
    return { id, result: await work(input) }
  } catch (error) {
    return {
      id,
      error: { message: error instanceof Error ? error.message : String(error), code: codeOf(error) },
    }
  }
}
