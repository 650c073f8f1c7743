/** Every promise that worlds are held to. */
import type { Invariant } from "./invariant.ts";
import { machinesComeToRest } from "./machines-come-to-rest.ts";
import { noOrphans } from "./no-orphans.ts";
import { oneVmPerMachine } from "./one-vm-per-machine.ts";

export const INVARIANTS: readonly Invariant[] = [oneVmPerMachine, noOrphans, machinesComeToRest];
