/** Every promise that worlds are held to. */
import { cloudCallsAreBounded } from "./cloud-calls-are-bounded.ts";
import { controllersStayUp } from "./controllers-stay-up.ts";
import { deletionsEnd } from "./deletions-end.ts";
import type { Invariant } from "./invariant.ts";
import { machinesComeToRest } from "./machines-come-to-rest.ts";
import { noOrphans } from "./no-orphans.ts";
import { nothingDestroyedInDoubt } from "./nothing-destroyed-in-doubt.ts";
import { oneVmPerMachine } from "./one-vm-per-machine.ts";
import { replicasAreReached } from "./replicas-are-reached.ts";
import { restIsQuiet } from "./rest-is-quiet.ts";
import { rolloutsKeepTheirLimits } from "./rollouts-keep-their-limits.ts";
import { secretsStaySecret } from "./secrets-stay-secret.ts";
import { setsKeepTheirMachines } from "./sets-keep-their-machines.ts";
import { statusTellsTheTruth } from "./status-tells-the-truth.ts";

export const INVARIANTS: readonly Invariant[] = [
  oneVmPerMachine,
  noOrphans,
  nothingDestroyedInDoubt,
  setsKeepTheirMachines,
  rolloutsKeepTheirLimits,
  machinesComeToRest,
  replicasAreReached,
  deletionsEnd,
  statusTellsTheTruth,
  restIsQuiet,
  cloudCallsAreBounded,
  secretsStaySecret,
  controllersStayUp,
];
