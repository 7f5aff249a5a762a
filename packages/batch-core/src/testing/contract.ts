/**
 * What every communicator has to do, and what the library makes of it, as functions that run in each rank of any
 * runtime, without a test framework.
 *
 * A case is called by all members of a communicator that nothing else uses, on any number of ranks. It leaves the
 * communicator open and without messages under way. It throws where a promise is broken; a member that waits for ever
 * is for the runner to notice. The same cases run alone, on loopback ranks, on threads, under each MPI, and between
 * nodes.
 */

import { arrayWriteCases } from './contract-array-writes.ts'
import { batchCases } from './contract-batch.ts'
import type { ContractCase } from './contract-case.ts'
import { collectiveCases } from './contract-collectives.ts'
import { lifetimeCases } from './contract-lifetime.ts'
import { lockCases } from './contract-locks.ts'
import { mapReduceCases } from './contract-map-reduce.ts'
import { messageCases } from './contract-messages.ts'
import { sharedArrayCases } from './contract-shared-arrays.ts'
import { sharedMemoryCases } from './contract-shared-memory.ts'
import { windowCases } from './contract-windows.ts'

/** What the port `Communicator` promises, in the order of its methods. */
export const communicatorCases: readonly ContractCase[] = [
  ...messageCases,
  ...collectiveCases,
  ...lifetimeCases,
  ...windowCases,
  ...sharedMemoryCases,
]

/** What the library promises over any communicator: one entry per part of it. */
export const libraryCases: readonly ContractCase[] = [
  ...lockCases,
  ...batchCases,
  ...mapReduceCases,
  ...sharedArrayCases,
  ...arrayWriteCases,
]

/** All cases. */
export const contractCases: readonly ContractCase[] = [...communicatorCases, ...libraryCases]
