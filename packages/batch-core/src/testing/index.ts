/** For tests: ranks inside one thread, and what every communicator has to do. */
export { communicatorContractCases } from './communicator-contract.ts'
export type { CommunicatorContractCase } from './contract-case.ts'
export {
  createLoopback,
  createLoopbackTransports,
  type LoopbackOptions,
  type LoopbackTransport,
} from './loopback-communicator.ts'
export { type RemoteOperation, type RemoteStep, withRemoteWindows } from './remote-windows.ts'
