/** Carries a decision out: the one place where the Machine controller touches the API server and the cloud. */
import type { CreateIntent, Machine } from "@machine-controller/api";
import { coreResources, isKubeError, type KubeClient, type Node } from "@machine-controller/kube-client";
import type { EventRecorder, Informer } from "@machine-controller/kube-runtime";
import { type Instance, isProviderError, ProviderError } from "@machine-controller/provider";
import { RegistrationError } from "../red-hat/exchange.ts";
import type { Subscriptions } from "../red-hat/subscriptions.ts";
import { machines } from "../resources.ts";
import type { AttachedVolumes } from "./attached-volumes.ts";
import type { Decision, MergePatch } from "./decision.ts";
import { drainNode } from "./drain.ts";
import type { InstanceLists } from "./instance-lists.ts";
import { type Knowledge, sawAbsence, sawInstance, sawOthers, withAccount, withoutAbsence } from "./knowledge.ts";
import { refusalOf } from "./node-refusal.ts";
import type { References } from "./references.ts";
import type { Snapshot } from "./snapshot.ts";
import type { UserDataSource } from "./user-data.ts";

export type ActContext = {
  client: KubeClient;
  clock: { now(): number };
  informers: { machines: Informer<Machine>; nodes: Informer<Node> };
  lists: InstanceLists;
  volumes: AttachedVolumes;
  subscriptions: Subscriptions;
  references: References;
  userData: UserDataSource;
  events: EventRecorder;
};

type Step = { snapshot: Snapshot; signal: AbortSignal };

/**
 * @returns what is known afterwards.
 * @throws ProviderError from the cloud, KubeError from the API server.
 */
export async function act(
  decision: Exclude<Decision, { kind: "wait" }>,
  step: Step,
  context: ActContext,
): Promise<Knowledge> {
  const { snapshot, signal } = step;
  const { machine, provider, knowledge } = snapshot;
  const { client, clock, events } = context;
  const ref = { namespace: machine.metadata.namespace ?? "", name: machine.metadata.name ?? "" };
  switch (decision.kind) {
    case "identify":
      return withAccount(knowledge, await provider.account(machine, { signal }));
    case "validate":
      await provider.validate(machine.spec, { signal });
      return { ...knowledge, validated: snapshot.specKey };
    case "prepare-user-data":
      return prepareUserData(step, context);
    case "look-up":
      return decision.how === "list" ? lookAtList(decision, step, context) : lookDirectly(step, context);
    case "create":
      return create(decision.intent, step, context);
    case "delete-instance":
      return deleteInstance(step, context);
    case "drain": {
      const at = clock.now();
      const blockers = await drainNode(client, decision.node, { signal });
      return { ...knowledge, drain: { firstAt: knowledge.drain?.firstAt ?? at, at, blockers } };
    }
    case "look-at-volumes":
      return lookAtVolumes(decision, step, context);
    case "check-references":
      return checkReferences(step, context);
    case "unregister":
      return unregister(step, context);
    case "patch-machine": {
      const body = guarded(decision.patch, machine);
      const patched = await client.patch(machines, ref, { type: "merge", body }, { signal });
      context.informers.machines.observe(patched);
      if (decision.event) events.event(machine, decision.event);
      const { deletionTimestamp, finalizers = [] } = patched.metadata;
      if (deletionTimestamp !== undefined && finalizers.length === 0) return { ...knowledge, released: true };
      return decision.intends ? afterIntent(knowledge) : knowledge;
    }
    case "patch-node":
      return patchNode(decision, step, context);
    case "delete-node":
      await gone(
        client.delete(
          coreResources.nodes,
          { name: decision.node.metadata.name ?? "" },
          {
            preconditions: uidOf(decision.node),
            signal,
          },
        ),
      );
      return { ...knowledge, deletedNodes: [...(knowledge.deletedNodes ?? []), decision.node.metadata.uid ?? ""] };
    case "delete-machine":
      events.event(machine, decision.event);
      await gone(client.delete(machines, ref, { preconditions: uidOf(machine), signal }));
      return knowledge;
  }
}

/** What the API server refuses is not asked of it again and again. */
async function patchNode(
  { node, patch, event }: Extract<Decision, { kind: "patch-node" }>,
  { snapshot, signal }: Step,
  { client, informers, events }: ActContext,
): Promise<Knowledge> {
  const { machine, knowledge } = snapshot;
  const body = forNode(patch, node);
  const ref = { name: node.metadata.name ?? "" };
  try {
    informers.nodes.observe(await client.patch(coreResources.nodes, ref, { type: "merge", body }, { signal }));
  } catch (error) {
    const nodeRefusal = isKubeError(error) ? refusalOf(snapshot, node, error) : undefined;
    if (nodeRefusal === undefined) throw error;
    const { message } = nodeRefusal;
    if (message !== knowledge.nodeRefusal?.message)
      events.event(machine, { type: "Warning", reason: "ReconcilingError", message });
    return { ...knowledge, nodeRefusal };
  }
  if (event) events.event(machine, event);
  return knowledge;
}

/** What is true again once a new intent is written: nothing is known of its instance, and nobody has asked for it. */
function afterIntent(knowledge: Knowledge): Knowledge {
  const { present, validated, createAskedAt, deletion, ...rest } = withoutAbsence(knowledge);
  return { ...rest, intentIsFresh: true };
}

async function prepareUserData({ snapshot, signal }: Step, { clock, userData }: ActContext): Promise<Knowledge> {
  const { userDataMissing, ...knowledge } = snapshot.knowledge;
  const at = clock.now();
  const prepared = await userData.prepare(snapshot, { signal });
  return "missing" in prepared
    ? { ...knowledge, userDataMissing: { message: prepared.missing, at } }
    : { ...knowledge, userData: { text: prepared.text, at } };
}

/** What has changed ends the failure: the step that failed is tried at once. */
async function checkReferences({ snapshot, signal }: Step, { clock, references }: ActContext): Promise<Knowledge> {
  const { failure, ...knowledge } = snapshot.knowledge;
  if (failure === undefined) return knowledge;
  const at = clock.now();
  const before = failure.references?.digest;
  const digest = await references.digest(snapshot.machine, { signal }).catch((error: unknown) => {
    if (signal.aborted || !isKubeError(error)) throw error;
    return before;
  });
  if (before !== undefined && digest !== before) return knowledge;
  return { ...knowledge, failure: { ...failure, references: { digest, at } } };
}

async function unregister({ snapshot, signal }: Step, { clock, subscriptions }: ActContext): Promise<Knowledge> {
  const { machine, knowledge } = snapshot;
  const at = clock.now();
  const tries = { firstAt: knowledge.unregistration?.firstAt ?? at, at };
  try {
    await subscriptions.remove(machine, { signal });
    return { ...knowledge, unregistration: tries };
  } catch (error) {
    if (!(error instanceof RegistrationError)) throw error;
    return { ...knowledge, unregistration: { ...tries, problem: error.message } };
  }
}

/** Without the permission to look nothing is waited for: a deletion must not hang on it. */
async function lookAtVolumes(
  { node, startedAfterMs }: Extract<Decision, { kind: "look-at-volumes" }>,
  { snapshot, signal }: Step,
  { clock, volumes, events }: ActContext,
): Promise<Knowledge> {
  const { machine, knowledge } = snapshot;
  const at = clock.now();
  const look = { firstAt: knowledge.volumes?.firstAt ?? at, at };
  try {
    const attached = await volumes.ofNode(node.metadata.name ?? "", { startedAfterMs, signal });
    return { ...knowledge, volumes: { ...look, attached } };
  } catch (error) {
    if (!isKubeError(error, "Forbidden")) throw error;
    const message = `Volumes are not waited for: ${error.message}; allow the controller to list volumeattachments`;
    events.event(machine, { type: "Warning", reason: "VolumesNotChecked", message });
    return { ...knowledge, volumes: { ...look, attached: [] } };
  }
}

async function lookAtList(
  { startedAfterMs, seeksHeir }: Extract<Decision, { kind: "look-up" }>,
  step: Step,
  { lists }: ActContext,
): Promise<Knowledge> {
  const { snapshot, signal } = step;
  const { machine, provider, record } = snapshot;
  const account = await provider.account(machine, { signal });
  const list = await lists.read(account, { provider, machine, startedAfterMs, signal });
  const knowledge = withAccount(snapshot.knowledge, account);
  const instances = list.byMachineUid.get(machine.metadata.uid ?? "") ?? [];
  const isDeleting = machine.metadata.deletionTimestamp !== undefined;
  const heir = instances.find(({ id, status }) => id !== record?.id && status !== "deleting");
  // A list may still show what is deleted: there it is read only for what nobody has asked to delete.
  const found = isDeleting || seeksHeir ? heir : instances.find(({ id }) => id === (record?.id ?? id));
  if (found !== undefined) return sawInstance(knowledge, found, list.startedAtMs);
  const { isDisplaced, ...rest } = knowledge;
  return heir ? sawOthers(rest, list.startedAtMs) : { ...rest, unlistedAt: list.startedAtMs };
}

async function lookDirectly(step: Step, { clock }: ActContext): Promise<Knowledge> {
  const { snapshot, signal } = step;
  const { machine, provider, knowledge } = snapshot;
  const at = clock.now();
  const account = await provider.account(machine, { signal });
  try {
    return sawInstance(withAccount(knowledge, account), await provider.get(machine, { signal }), at);
  } catch (error) {
    if (isProviderError(error, "InstanceNotFound")) return confirmAbsence(step, { account, at });
    throw error;
  }
}

/** Absence counts for the account it was read with; a credential that changed meanwhile leaves that open. */
async function confirmAbsence({ snapshot, signal }: Step, read: { account: string; at: number }): Promise<Knowledge> {
  const account = await snapshot.provider.account(snapshot.machine, { signal });
  if (account !== read.account)
    throw new ProviderError("Unavailable", "the credential changed while the cloud was read");
  return sawAbsence(withAccount(snapshot.knowledge, account), read.at);
}

/** A process that stood still for as long between deciding and asking may have a successor that asks too. */
const OVERTAKEN_MS = 10_000;

/** Asks only under the account that the intent names: where an instance is sought later is where it must be made. */
async function create(intent: CreateIntent, { snapshot, signal }: Step, { clock }: ActContext): Promise<Knowledge> {
  const { machine, provider } = snapshot;
  const account = await provider.account(machine, { signal });
  const { userData, ...knowledge } = withAccount(snapshot.knowledge, account);
  if (account !== snapshot.knowledge.account) return { ...knowledge, ...(userData && { userData }) };
  const sentAt = clock.now();
  if (sentAt - snapshot.nowMs > OVERTAKEN_MS)
    throw new ProviderError("Unavailable", "creation was decided too long ago, and is decided again");
  // Where nothing repeats a creation, what was answered has had its effect.
  const mayRepeat = provider.idempotency.class !== "tag-scan";
  let instance: Instance | undefined;
  try {
    instance = await provider.create(machine, { userData: userData?.text ?? "", token: intent.token }, { signal });
    if ((await provider.account(machine, { signal })) === account) {
      // User data is large, and needed no more.
      return sawInstance({ ...knowledge, ...(mayRepeat && { createAskedAt: clock.now() }) }, instance, sentAt);
    }
    throw new ProviderError("UnknownOutcome", "the credential changed while the instance was created");
  } catch (error) {
    const hadNoEffect = instance === undefined && isRefusal(error) && !mayRepeat;
    throw hadNoEffect ? error : new CreateUnsettled(clock.now(), error);
  }
}

/** Tells when a create failed that may yet have its effect; the controller keeps that and handles the cause. */
export class CreateUnsettled extends Error {
  override readonly name = "CreateUnsettled";
  readonly at: number;
  constructor(at: number, cause: unknown) {
    super("a create that failed may yet have its effect", { cause });
    this.at = at;
  }
}

/** The provider knows that nothing was created. Anything else, an abort included, leaves that open. */
const isRefusal = (error: unknown): boolean => isProviderError(error) && error.code !== "UnknownOutcome";

async function deleteInstance(step: Step, { clock }: ActContext): Promise<Knowledge> {
  const { snapshot, signal } = step;
  const { machine, provider, knowledge } = snapshot;
  const at = clock.now();
  const account = await provider.account(machine, { signal });
  const isGone = await provider.cleanup(machine, { signal });
  const { deletion } = knowledge;
  // What was absent before the first call says nothing of what this one found, nor of dependants.
  const before = deletion === undefined || !isGone ? withoutAbsence(knowledge) : knowledge;
  const after = {
    ...before,
    deletion: { firstAt: deletion?.firstAt ?? at, lastAt: at, seen: !isGone || (deletion?.seen ?? false) },
  };
  return isGone ? confirmAbsence({ ...step, snapshot: { ...snapshot, knowledge: after } }, { account, at }) : after;
}

/** A patch that applies only to the object as it was read: two leaders cannot both take the step. */
function guarded(patch: MergePatch, { metadata }: Machine): MergePatch {
  return {
    ...patch,
    metadata: { ...(patch["metadata"] as object | undefined), resourceVersion: metadata.resourceVersion },
  };
}

/**
 * A patch for this very Node. Kubelets write to their Nodes all the time, so only a list that is replaced whole is held to
 * the version it was read from.
 */
function forNode(patch: MergePatch, { metadata }: Node): MergePatch {
  const replacesList = (patch["spec"] as { taints?: unknown } | undefined)?.taints !== undefined;
  const { uid, resourceVersion } = metadata;
  return {
    ...patch,
    metadata: { ...(patch["metadata"] as object | undefined), uid, ...(replacesList && { resourceVersion }) },
  };
}

const uidOf = ({ metadata }: Machine | Node): { uid: string } => ({ uid: metadata.uid ?? "" });

async function gone(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isKubeError(error, "NotFound")) throw error;
  }
}
