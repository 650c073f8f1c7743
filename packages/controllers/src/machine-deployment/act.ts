/** Carries a decision out: the one place where the MachineDeployment controller touches the API server. */
import { canonicalTemplate, type MachineDeployment, type MachineSet } from "@machine-controller/api";
import { isKubeError, type KubeClient, type KubeObject, type Resource } from "@machine-controller/kube-client";
import type { EventRecorder, Informer } from "@machine-controller/kube-runtime";
import type { MergePatch } from "../machine/decision.ts";
import { claim, controllerOf } from "../ownership.ts";
import { machineDeployments, machineSets } from "../resources.ts";
import type { Decision } from "./decision.ts";

export type ActContext = {
  client: KubeClient;
  events: EventRecorder;
  informers: { machineDeployments: Informer<MachineDeployment>; machineSets: Informer<MachineSet> };
};

type Step = {
  deployment: MachineDeployment;
  /** Takes the UIDs of MachineSets that changed meanwhile. */
  passOver: (uid: string) => void;
  signal: AbortSignal;
};

/** @returns "wait" where only an event can tell what came of it. */
export async function act(
  decision: Exclude<Decision, { kind: "wait" }>,
  step: Step,
  context: ActContext,
): Promise<"wait" | "go on"> {
  const { deployment, signal } = step;
  const { client, events, informers } = context;
  switch (decision.kind) {
    case "adopt":
    case "release": {
      const { kind, set: object } = decision;
      const change = { kind, owner: deployment, ownerResource: machineDeployments, object } as const;
      const owned = { client, resource: machineSets, informer: informers.machineSets };
      if (!(await claim(change, owned, { signal }))) step.passOver(object.metadata.uid ?? "");
      return "go on";
    }
    case "create-set":
      return createSet(decision, step, context);
    case "settle-set":
      return (await find(decision.set, { client, signal })) === undefined ? "go on" : "wait";
    case "delete-set": {
      const { namespace = "", name = "", uid = "" } = decision.set.metadata;
      step.passOver(uid);
      await client
        .delete(machineSets, { namespace, name }, { preconditions: { uid }, signal })
        .catch((error: unknown) => {
          if (!isKubeError(error, "NotFound") && !isKubeError(error, "Conflict")) throw error;
        });
      return "go on";
    }
    case "patch-set":
      informers.machineSets.observe(await patch(machineSets, decision.set, decision.patch, { client, signal }));
      break;
    case "patch-deployment":
    case "patch-status": {
      const subresource = decision.kind === "patch-status" ? ("status" as const) : undefined;
      const patched = await patch(machineDeployments, deployment, decision.patch, { client, subresource, signal });
      informers.machineDeployments.observe(patched);
    }
  }
  if (decision.event) events.event(deployment, decision.event);
  return "go on";
}

/** A name that is taken by another template, or by a MachineSet that is on its way out, makes the next name another one. */
async function createSet(
  { set }: Extract<Decision, { kind: "create-set" }>,
  { deployment, signal }: Step,
  { client, informers }: ActContext,
): Promise<"wait" | "go on"> {
  try {
    await client.create(machineSets, set, { signal });
    return "wait";
  } catch (error) {
    if (!isKubeError(error, "AlreadyExists")) throw error;
  }
  const existing = await find(set, { client, signal });
  if (existing === undefined) return "go on";
  const isOurs =
    controllerOf(existing)?.uid === deployment.metadata.uid &&
    existing.metadata.deletionTimestamp === undefined &&
    canonicalTemplate(existing.spec.template) === canonicalTemplate(deployment.spec.template);
  if (isOurs) return "wait";
  const status = { collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
  const options = { client, subresource: "status", signal } as const;
  informers.machineDeployments.observe(await patch(machineDeployments, deployment, { status }, options));
  return "go on";
}

/** What the API server has under the name of this MachineSet; undefined where nothing is. */
function find(
  { metadata: { namespace = "", name = "" } }: MachineSet,
  { client, signal }: { client: KubeClient; signal: AbortSignal },
): Promise<MachineSet | undefined> {
  return client.get(machineSets, { namespace, name }, { signal }).catch((error: unknown) => {
    if (!isKubeError(error, "NotFound")) throw error;
    return undefined;
  });
}

// oxlint-disable-next-line max-params -- as the client's own patch
async function patch<T extends KubeObject>(
  resource: Resource<T>,
  { metadata }: T,
  change: MergePatch,
  { client, ...options }: { client: KubeClient; subresource?: "status" | undefined; signal: AbortSignal },
): Promise<T> {
  const { namespace = "", name = "", resourceVersion } = metadata;
  const body = { ...change, metadata: { ...(change["metadata"] as object | undefined), resourceVersion } };
  const { subresource, signal } = options;
  return client.patch(
    resource,
    { namespace, name },
    { type: "merge", body },
    {
      ...(subresource && { subresource }),
      signal,
    },
  );
}
