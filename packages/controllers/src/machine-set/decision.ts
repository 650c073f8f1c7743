import type { Machine } from "@machine-controller/api";
import type { EventToEmit, MergePatch } from "../machine/decision.ts";

/**
 * What a MachineSet needs next, as a value; `why` completes the sentence "this is done because …". Patches are merge
 * patches without `metadata.resourceVersion`: the actor adds it.
 */
export type Decision = { readonly why: string } & (
  | {
      /** Nothing to do until something changes, or until `untilMs` on the clock. */
      readonly kind: "wait";
      readonly untilMs?: number;
      /** The status is out of date, and will be written in a moment with what else happens until then. */
      readonly owesStatus?: true;
    }
  | { readonly kind: "patch-set"; readonly patch: MergePatch }
  | { readonly kind: "adopt" | "release"; readonly machine: Machine }
  /** Ask the API server about creations that no informer shows. */
  | { readonly kind: "settle-creations"; readonly names: readonly string[] }
  | { readonly kind: "create-machines"; readonly count: number }
  | { readonly kind: "delete-machines"; readonly machines: readonly Machine[] }
  | { readonly kind: "patch-machines"; readonly patches: readonly { machine: Machine; patch: MergePatch }[] }
  | { readonly kind: "patch-status"; readonly patch: MergePatch; readonly event?: EventToEmit }
);
