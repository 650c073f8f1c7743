/** Carries a decision out: the one place where the MachineSet controller touches the API server. */
import { createHash } from "node:crypto";
import type { Machine, MachineSet } from "@machine-controller/api";
import { API_VERSION } from "@machine-controller/api/well-known";
import { isKubeError, type KubeClient } from "@machine-controller/kube-client";
import { type EventRecorder, type Informer, toKey } from "@machine-controller/kube-runtime";
import type { MergePatch } from "../machine/decision.ts";
import { generateName } from "../names.ts";
import { claim, controllerOf, controllerReference } from "../ownership.ts";
import { machines, machineSets } from "../resources.ts";
import type { Decision } from "./decision.ts";
import type { MemberInformers } from "./members.ts";
import type { NameSeries, Pending } from "./pending.ts";

export type ActContext = {
  client: KubeClient;
  events: EventRecorder;
  informers: MemberInformers & { machineSets: Informer<MachineSet> };
};

type Step = {
  machineSet: MachineSet;
  pending: Pending;
  /** Takes the UIDs of Machines that changed meanwhile. */
  passOver: (uid: string) => void;
  signal: AbortSignal;
};

/** @throws the first error, once all that was begun has come to its end. */
export async function act(
  decision: Exclude<Decision, { kind: "wait" }>,
  step: Step,
  context: ActContext,
): Promise<void> {
  const { machineSet, pending, signal } = step;
  const { client, informers } = context;
  switch (decision.kind) {
    case "adopt":
    case "release": {
      const { kind, machine: object } = decision;
      const change = { kind, owner: machineSet, ownerResource: machineSets, object } as const;
      const owned = { client, resource: machines, informer: informers.machines };
      if (!(await claim(change, owned, { signal }))) step.passOver(object.metadata.uid ?? "");
      return;
    }
    case "patch-set":
      return patchSet(decision.patch, step, context);
    case "patch-status":
      await patchSet(decision.patch, step, context, "status");
      if (decision.event) context.events.event(machineSet, decision.event);
      return;
    case "settle-creations":
      for (const name of decision.names) await settle(name, step, context);
      return;
    case "create-machines": {
      const names = pending.namesToCreate(decision.count, nameSeries(machineSet, informers));
      await inParallel(names, (name) => create(name, step, context)).catch((error: unknown) => {
        pending.batchEnded();
        throw error;
      });
      return pending.batchSucceeded();
    }
    case "delete-machines":
      return inParallel(decision.machines, (machine) => remove(machine, step, context));
    case "patch-machines":
      return inParallel(decision.patches, ({ machine, patch }) => patchMachine(machine, patch, step, context));
  }
}

/** Names that follow from the MachineSet as it is: another process finds the same ones. */
export function nameSeries({ metadata }: MachineSet, { machines, nodes }: MemberInformers): NameSeries {
  const { name: base = "", namespace, uid, generation } = metadata;
  return {
    key: `${uid} ${generation}`,
    name: (n) => generateName(base, createHash("sha256").update(`${uid} ${generation} ${n}`).digest()),
    isUsed: (name) =>
      machines.store.getByKey(toKey(namespace, name)) !== undefined || nodes.store.get(undefined, name) !== undefined,
  };
}

/** All come to their end; then the first error is thrown. */
async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(run));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function create(name: string, step: Step, context: ActContext): Promise<void> {
  const { machineSet, pending, signal } = step;
  try {
    await context.client.create(machines, machineFrom(machineSet, name), { signal });
    pending.created(name);
  } catch (error) {
    // A request of this or an earlier process got there first, or the name is somebody else's.
    if (isKubeError(error, "AlreadyExists")) return settle(name, step, context);
    if (isKubeError(error) && !error.outcomeUnknown) pending.refused(name);
    throw error;
  }
}

/** A Machine that is ours and lives goes on counting: then it is the informer that is behind. */
async function settle(name: string, { machineSet, pending, signal }: Step, { client }: ActContext): Promise<void> {
  const { namespace = "", uid } = machineSet.metadata;
  try {
    const { metadata, ...rest } = await client.get(machines, { namespace, name }, { signal });
    const isOurs = controllerOf({ metadata, ...rest })?.uid === uid && metadata.deletionTimestamp === undefined;
    if (isOurs) pending.created(name);
    else pending.taken(name);
  } catch (error) {
    if (!isKubeError(error, "NotFound")) throw error;
    pending.refused(name);
  }
}

async function remove(
  { metadata }: Machine,
  { pending, signal }: Step,
  { client, informers }: ActContext,
): Promise<void> {
  const { namespace = "", name = "", uid = "" } = metadata;
  pending.deleting(uid);
  try {
    await client.delete(machines, { namespace, name }, { preconditions: { uid }, signal });
  } catch (error) {
    if (isKubeError(error) && !error.outcomeUnknown) pending.kept(uid);
    if (!isKubeError(error, "NotFound")) throw error;
  }
  pending.deleted(uid);
  if (informers.machines.store.byUid(uid) === undefined) pending.vanished({ name, uid });
}

// oxlint-disable-next-line max-params -- what, how, and the two that every function here takes
async function patchMachine(machine: Machine, patch: MergePatch, step: Step, context: ActContext): Promise<void> {
  const { namespace = "", name = "", uid = "", resourceVersion } = machine.metadata;
  const body = { ...patch, metadata: { ...(patch["metadata"] as object), uid, resourceVersion } };
  try {
    const patched = await context.client.patch(
      machines,
      { namespace, name },
      { type: "merge", body },
      { signal: step.signal },
    );
    context.informers.machines.observe(patched);
  } catch (error) {
    if (!isKubeError(error, "Conflict") && !isKubeError(error, "NotFound")) throw error;
    step.passOver(uid);
  }
}

// oxlint-disable-next-line max-params -- as patchMachine
async function patchSet(
  patch: MergePatch,
  { machineSet, signal }: Step,
  { client, informers }: ActContext,
  subresource?: "status",
): Promise<void> {
  const { namespace = "", name = "", resourceVersion } = machineSet.metadata;
  const body = { ...patch, metadata: { ...(patch["metadata"] as object), resourceVersion } };
  const options = { ...(subresource && { subresource }), signal };
  informers.machineSets.observe(await client.patch(machineSets, { namespace, name }, { type: "merge", body }, options));
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
