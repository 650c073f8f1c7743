/** Simulated Hetzner Cloud: its API v1, with servers that run their user data. */
import { hetznerSimulator } from "./simulator.ts";

export { type HetznerSimulatorOptions } from "./simulator.ts";
export type { TokenGrant, Tokens } from "./project.ts";
export type { ActionFailure, HetznerTiming } from "./state.ts";

export const createHetznerSimulator = hetznerSimulator.create;
export default hetznerSimulator;
