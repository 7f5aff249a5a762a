/** The ranks of a job script that an MPI launcher started by itself: `mpirun -n 4 node job.mjs`. */
import type { Communicator } from '@mpibatch/batch-core'

let opened: Promise<Communicator | undefined> | undefined

/**
 * The communicator of all ranks that a launcher started; `undefined` where none did. Collective at its first call; MPI
 * ends when the script has nothing left to do, on all ranks.
 *
 * @throws {@link MpiError} if there is no MPI that fits the launcher.
 */
export function findScriptCommunicator(): Promise<Communicator | undefined> {
  opened ??= open()
  return opened
}

async function open(): Promise<Communicator | undefined> {
  const { detectLauncher, openMpiJob } = await import('@mpibatch/native-mpi')
  if (detectLauncher(process.env) === undefined) return undefined
  const job = await openMpiJob()
  // The event comes again after each time that something was done in it.
  process.once('beforeExit', () => void job.close())
  return job.communicator
}
