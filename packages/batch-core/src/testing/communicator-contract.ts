/**
 * What every communicator has to do, as functions that run in each rank of any process, without a test framework.
 *
 * A case is called by all members of a communicator that nothing else uses, on any number of ranks. It leaves the
 * communicator open and without messages under way. It throws where the communicator is wrong; a member that waits for
 * ever is for the runner to notice.
 */

import type { CommunicatorContractCase } from './contract-case.ts'
import { collectiveCases } from './contract-collectives.ts'
import { lifetimeCases } from './contract-lifetime.ts'
import { messageCases } from './contract-messages.ts'
import { windowCases } from './contract-windows.ts'

/** All cases, in the order of the port's methods. */
export const communicatorContractCases: readonly CommunicatorContractCase[] = [
  ...messageCases,
  ...collectiveCases,
  ...lifetimeCases,
  ...windowCases,
]
