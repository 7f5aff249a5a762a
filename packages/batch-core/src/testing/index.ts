/** For tests: ranks inside one thread, and what every communicator has to do. */
export { contractCases } from './contract.ts'
export type { ContractCase } from './contract-case.ts'
export {
  createLoopback,
  createLoopbackTransports,
  type LoopbackOptions,
  type LoopbackTransport,
} from './loopback-communicator.ts'
export { type RemoteOperation, type RemoteStep, withRemoteWindows } from './remote-windows.ts'
