/**
 * The controllers: MachineDeployment → MachineSet → Machine → instance and Node. `createControllers` puts them on shared
 * informers; a manager of kube-runtime runs them.
 *
 * @example
 * const { informers, controllers } = createControllers({ client, clock, providers, … });
 * await runManager({ informers, controllers, clock, signal });
 */
export {
  type Controllers,
  type ControllersOptions,
  createControllers,
  type OrphanOptions,
} from "./create-controllers.ts";
export { createDataReaders } from "./data-reader.ts";
export type { Log, LogLevel } from "./log.ts";
export type { Decision } from "./machine/decision.ts";
export { machineDeployments, machines, machineSets } from "./resources.ts";
