import type { MachineSet } from "@machine-controller/api";
import type { EventToEmit, MergePatch } from "../machine/decision.ts";

/**
 * What a MachineDeployment needs next, as a value; `why` completes the sentence "this is done because …". Patches are
 * merge patches without `metadata.resourceVersion`: the actor adds it.
 */
export type Decision = { readonly why: string } & (
  | {
      /** Nothing to do until something changes, or until `untilMs` on the clock. */
      readonly kind: "wait";
      readonly untilMs?: number;
      /** The status is out of date, and will be written in a moment with what else happens until then. */
      readonly owesStatus?: true;
    }
  | { readonly kind: "patch-deployment"; readonly patch: MergePatch; readonly event?: EventToEmit }
  | { readonly kind: "adopt" | "release"; readonly set: MachineSet }
  | { readonly kind: "create-set"; readonly set: MachineSet }
  /** Ask the API server about a MachineSet that was created and no informer shows. */
  | { readonly kind: "settle-set"; readonly set: MachineSet }
  | { readonly kind: "patch-set"; readonly set: MachineSet; readonly patch: MergePatch; readonly event?: EventToEmit }
  | { readonly kind: "delete-set"; readonly set: MachineSet }
  | { readonly kind: "patch-status"; readonly patch: MergePatch; readonly event?: EventToEmit }
);
