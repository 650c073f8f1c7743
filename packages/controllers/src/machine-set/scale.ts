/** Creates or deletes Machines until a MachineSet has as many as it wants. */
import type { Machine, MachineSet } from "@machine-controller/api";
import { API_VERSION } from "@machine-controller/api/well-known";
import { isKubeError, type KubeClient } from "@machine-controller/kube-client";
import { generateName } from "../names.ts";
import { controllerOf, controllerReference } from "../ownership.ts";
import { machines } from "../resources.ts";
import type { Pending } from "./pending.ts";

export type ScaleContext = {
  client: KubeClient;
  random: { bytes(length: number): Uint8Array };
  pending: Pending;
  signal: AbortSignal;
};

/** Requests under way at once; batches grow to it from one, so that a quota that refuses all is asked once, not often. */
const MOST_AT_ONCE = 32;

/** @throws the first error after which the rest was not tried. */
export async function createMachines(machineSet: MachineSet, count: number, context: ScaleContext): Promise<void> {
  const { client, random, pending, signal } = context;
  const names = pending.namesToCreate(count, () => generateName(machineSet.metadata.name ?? "", random.bytes(5)));
  for (let at = 0, batch = 1; at < names.length; at += batch, batch = Math.min(batch * 2, MOST_AT_ONCE)) {
    const results = await Promise.allSettled(
      names.slice(at, at + batch).map(async ({ name, isNew }) => {
        try {
          await client.create(machines, machineFrom(machineSet, name), { signal });
          pending.created(name);
        } catch (error) {
          // Of a name whose outcome was open this says that it exists; a new one is someone else's, and another is drawn.
          if (isKubeError(error, "AlreadyExists") && !isNew) return pending.created(name);
          if (isKubeError(error) && !error.outcomeUnknown) pending.refused(name);
          throw error;
        }
      }),
    );
    const failed = results.find((result) => result.status === "rejected");
    if (failed === undefined) continue;
    for (const { name } of names.slice(at + batch)) pending.refused(name);
    throw failed.reason;
  }
}

/**
 * Asks the API server about creations that no informer shows. One that is ours and lives goes on counting, since then it
 * is the informer that is behind.
 */
export async function settleOverdue(machineSet: MachineSet, context: ScaleContext): Promise<void> {
  const { client, pending, signal } = context;
  const { namespace = "", uid } = machineSet.metadata;
  for (const name of pending.overdue()) {
    const found = await client.get(machines, { namespace, name }, { signal }).catch((error: unknown) => {
      if (!isKubeError(error, "NotFound")) throw error;
    });
    const lives = found !== undefined && found.metadata.deletionTimestamp === undefined;
    if (lives && controllerOf(found)?.uid === uid) pending.created(name);
    else pending.refused(name);
  }
}

export async function deleteMachines(doomed: readonly Machine[], context: ScaleContext): Promise<void> {
  const { client, pending, signal } = context;
  for (let at = 0; at < doomed.length; at += MOST_AT_ONCE) {
    await Promise.all(
      doomed.slice(at, at + MOST_AT_ONCE).map(async ({ metadata }) => {
        const { namespace = "", name = "", uid = "" } = metadata;
        pending.deleting(uid);
        try {
          await client.delete(machines, { namespace, name }, { preconditions: { uid }, signal });
        } catch (error) {
          if (isKubeError(error) && !error.outcomeUnknown) pending.kept(uid);
          if (!isKubeError(error, "NotFound") && !isKubeError(error, "Conflict")) throw error;
        }
        pending.deleted(uid);
      }),
    );
  }
}

function machineFrom(machineSet: MachineSet, name: string): Machine {
  const { metadata = {}, spec } = machineSet.spec.template;
  const { labels, annotations, finalizers } = metadata;
  return {
    apiVersion: API_VERSION,
    kind: "Machine",
    metadata: {
      name,
      namespace: machineSet.metadata.namespace ?? "",
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReference(machineSet)],
    },
    spec,
  };
}
