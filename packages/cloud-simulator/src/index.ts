/**
 * Kit for simulated clouds: durable records, fault rules, and machines that run the user data they were given and join
 * a cluster. It knows no cloud: a vendor's API is written with `defineSimulator` beside that vendor's provider.
 */
export { createCertificateRequest } from "./certificate-request.ts";
export { createVirtualClock, systemClock, type Clock, type VirtualClock } from "./clock.ts";
export { connectOverNetwork } from "./connect-over-network.ts";
export type { FaultAction, FaultRule, Faults, FaultStatus } from "./faults.ts";
export {
  ConnectionError,
  type ClusterAccess,
  type Connect,
  type ConnectionErrorCode,
  type Handler,
} from "./handler.ts";
export type { MachineRoom, MachineView } from "./machine-room.ts";
export type { MachineTiming } from "./machine.ts";
export type { MachineAddress, MachineSpec } from "./machine-spec.ts";
export { fraction, hex, systemRandom, uuid, type Random } from "./random.ts";
export { openRecords, type Collection, type Records } from "./records.ts";
export { serveSimulator, type ServedSimulator } from "./serve-simulator.ts";
export {
  defineSimulator,
  type RequestLogEntry,
  type SimulatedCloud,
  type Simulator,
  type SimulatorContext,
  type SimulatorDefinition,
  type SimulatorOptions,
} from "./simulator.ts";
