/** `MachineDeployment.status` as it should be, and the patch that makes it so. */
import { formatSelector } from "@machine-controller/api";
import type { EventToEmit, MergePatch } from "../machine/decision.ts";
import { conditionsOf } from "./conditions.ts";
import { countsOf, isComplete } from "./counts.ts";
import type { Snapshot } from "./snapshot.ts";

/** @returns undefined where nothing differs. */
export function statusPatch(snapshot: Snapshot): { patch: MergePatch; event?: EventToEmit } | undefined {
  const { deployment } = snapshot;
  const current = deployment.status ?? {};
  const counts = countsOf(snapshot);
  const fields = {
    ...counts,
    observedGeneration: deployment.metadata.generation ?? 0,
    labelSelector: formatSelector(deployment.spec.selector),
  };
  const changes = Object.entries(fields).filter(([field, value]) => current[field as keyof typeof fields] !== value);
  const conditions = conditionsOf(snapshot, { counts, isComplete: isComplete(snapshot) });
  if (changes.length === 0 && conditions === undefined) return undefined;
  const status = { ...Object.fromEntries(changes), ...(conditions && { conditions: conditions.all }) };
  return { patch: { status }, ...(conditions?.event && { event: conditions.event }) };
}
