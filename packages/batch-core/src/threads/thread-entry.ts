/**
 * The first module of every rank's thread: it makes the communicator, sets the runtime, and runs the job script.
 *
 * Nothing here catches errors: what the script throws reaches the thread that started the job, which ends the others.
 */
import { fileURLToPath } from 'node:url'
import { workerData } from 'node:worker_threads'
import { createMessageCommunicator } from '../message-communicator.ts'
import { setRuntime } from '../runtime.ts'
import { packTasks } from './packed-tasks.ts'
import type { ThreadReport, ThreadSetup } from './thread-setup.ts'
import { createThreadTransport } from './thread-transport.ts'

const setup = workerData as ThreadSetup
const { script, options, stop, control } = setup

setRuntime({
  protocol: 1,
  communicator: createMessageCommunicator(createThreadTransport(setup)),
  options,
  stop,
  announce: ({ table, root, tasks, ticket }) =>
    control.postMessage({ batch: { table, root, tasks: packTasks(tasks), ticket } } satisfies ThreadReport),
})

// Scripts that ask whether they are the program's main file compare with this.
process.argv[1] = fileURLToPath(script)
await import(script)
