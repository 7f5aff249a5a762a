import { type Communicator, createSoloCommunicator, findRuntime } from '@mpibatch/batch-core'
import { findScriptCommunicator } from './mpi/script-communicator.ts'

let alone: Communicator | undefined

/**
 * All ranks that run this script (MPI_COMM_WORLD): those that `mpibatch run job.mjs` started, or an MPI launcher
 * (`mpirun node job.mjs`), or this process alone. Collective at its first call; the same communicator each time.
 *
 * It is not for the caller to close. What is made over it (batches, locks, arrays) has messages of its own.
 *
 * @throws {@link MpiError} if an MPI launcher started this script, and no MPI that fits it is here.
 */
export async function worldCommunicator(): Promise<Communicator> {
  const runtime = findRuntime()
  // A script that uses its ranks without a batch is none that was meant to run once.
  if (runtime !== undefined && runtime.stop.length > 1) Atomics.store(runtime.stop, 1, 1)
  const found = runtime?.communicator ?? (await findScriptCommunicator())
  if (found !== undefined) return found
  alone ??= createSoloCommunicator()
  return alone
}
