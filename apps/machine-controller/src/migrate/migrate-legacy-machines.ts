/**
 * `machine.k8s.io` → `cluster.k8s.io`. Every step may be the last before a crash: the legacy object goes last, the new one
 * is nobody's until its instance bears its mark, and a run that begins again goes on where the one before stopped.
 */
import { canonicalText, type Machine } from "@machine-controller/api";
import { LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import { machines } from "@machine-controller/controllers";
import { coreResources, isKubeError, type KubeClient, type Node } from "@machine-controller/kube-client";
import type { Clock } from "@machine-controller/kube-runtime";
import { cloudProviderOf, isProviderError, type Provider, unknownProvider } from "@machine-controller/provider";
import {
  LEGACY_DEFINITION,
  type LegacyMachine,
  legacyMachines,
  migratingOf,
  NAMESPACE,
  releasePatch,
  toMachine,
} from "./legacy-machine.ts";
import { type Finding, forEachObject, type Report } from "./report.ts";

export type MigrationContext = {
  client: KubeClient;
  providers: ReadonlyMap<string, Provider>;
  clock: Clock;
  dryRun: boolean;
  report: Report;
  signal: AbortSignal;
};

/** A cloud may show a changed mark late. */
const MARK_TRIES = 30;
const MARK_PAUSE_MS = 10_000;

export async function migrateLegacyMachines(context: MigrationContext): Promise<void> {
  const { client, report, dryRun, signal } = context;
  const definition = await found(
    client.get(coreResources.customResourceDefinitions, { name: LEGACY_DEFINITION }, { signal }),
  );
  if (definition === undefined || definition.metadata.deletionTimestamp !== undefined) return;
  const { items } = await client.listAll(legacyMachines, { signal });
  await forEachObject(
    items,
    { nameOf: ({ metadata }) => `Machine ${metadata.name} of machine.k8s.io`, report, signal },
    (legacy) => migrate(legacy, context),
  );
  if (report.findings.some(({ outcome }) => outcome === "problem")) return;
  const left = dryRun ? [] : (await client.listAll(legacyMachines, { signal })).items;
  if (left.length > 0) return;
  if (!dryRun)
    await found(client.delete(coreResources.customResourceDefinitions, { name: LEGACY_DEFINITION }, { signal }));
  report.add({ object: `CustomResourceDefinition ${LEGACY_DEFINITION}`, outcome: "done", message: "deleted" });
}

async function migrate(legacy: LegacyMachine, context: MigrationContext): Promise<Omit<Finding, "object">> {
  const { client, providers, dryRun, signal } = context;
  const ref = { namespace: NAMESPACE, name: legacy.metadata.name ?? "" };
  const wanted = toMachine(legacy);
  const providerName = cloudProviderOf(wanted.spec);
  const provider = providers.get(providerName);
  if (provider === undefined) throw unknownProvider(providerName, [...providers.keys()]);
  let machine = await found(client.get(machines, ref, { signal }));
  if (machine === undefined && legacy.metadata.deletionTimestamp !== undefined) {
    return problem("is being deleted; let the controller that it belongs to finish that, then migrate again");
  }
  // Defaults may have been added to a Machine that an earlier run created.
  const isOurs = machine !== undefined && migratingOf(machine) !== undefined;
  if (machine !== undefined && !isOurs && canonicalText(machine.spec) !== canonicalText(wanted.spec)) {
    return problem(`Machine ${NAMESPACE}/${ref.name} exists with another spec; delete one of the two by hand`);
  }
  const becomes = `becomes Machine ${NAMESPACE}/${ref.name}`;
  if (dryRun) return { outcome: "done", message: becomes };

  machine ??= await client.create(machines, wanted, { signal });
  const migrating = migratingOf(machine);
  if (migrating !== undefined) {
    await moveMark({ machine, oldUid: migrating.uid, provider }, context);
    await moveNodes(legacy, machine, context);
    machine = await client.patch(machines, ref, { type: "merge", body: releasePatch(migrating) }, { signal });
  }
  await removeLegacy(legacy, client, signal);
  return { outcome: "done", message: becomes };
}

/** The instance, if there is one, bears the new Machine's UID, and the cloud has shown it so. */
async function moveMark(
  { machine, oldUid, provider }: { machine: Machine; oldUid: string; provider: Provider },
  { clock, signal }: MigrationContext,
): Promise<void> {
  const newUid = machine.metadata.uid ?? "";
  const old: Machine = { ...machine, metadata: { ...machine.metadata, uid: oldUid } };
  const { consistencyMs } = provider.idempotency;
  let absentSinceMs: number | undefined;
  for (let tries = 0; tries < MARK_TRIES; tries += 1) {
    await provider.migrateUID(old, newUid, { signal });
    if (await has(provider, machine, signal)) return;
    const isAbsent = !(await has(provider, old, signal));
    absentSinceMs = isAbsent ? (absentSinceMs ?? clock.now()) : undefined;
    // With neither mark: there is no instance, unless the cloud is late to show the new one.
    if (absentSinceMs !== undefined && clock.now() - absentSinceMs >= consistencyMs) return;
    await clock.sleep(isAbsent ? consistencyMs : MARK_PAUSE_MS, { signal });
  }
  throw new Error(`the cloud still shows the instance with the mark of ${oldUid}; migrate again later`);
}

async function has(provider: Provider, machine: Machine, signal: AbortSignal): Promise<boolean> {
  try {
    await provider.get(machine, { signal });
    return true;
  } catch (error) {
    if (isProviderError(error, "InstanceNotFound")) return false;
    throw error;
  }
}

/** Nodes belong to Machines by label now; an owner that is going to be deleted would take them with it. */
async function moveNodes(legacy: LegacyMachine, machine: Machine, { client, signal }: MigrationContext): Promise<void> {
  const names = new Set([legacy.spec.metadata?.name, legacy.metadata.name, legacy.status?.nodeRef?.name]);
  for (const name of names) {
    if (!name) continue;
    const node: Node | undefined = await found(client.get(coreResources.nodes, { name }, { signal }));
    if (node === undefined) continue;
    const { resourceVersion, ownerReferences = [] } = node.metadata;
    const others = ownerReferences.filter(({ uid }) => uid !== legacy.metadata.uid);
    const labels = { [LABEL_NODE_OWNER]: machine.metadata.uid };
    const metadata = { resourceVersion, labels, ownerReferences: others.length > 0 ? others : null };
    await client.patch(
      coreResources.nodes,
      { name: node.metadata.name ?? "" },
      { type: "merge", body: { metadata } },
      { signal },
    );
  }
}

/** Its finalizers were for a controller that is gone; what they guarded is the new Machine's now. */
async function removeLegacy({ metadata }: LegacyMachine, client: KubeClient, signal: AbortSignal): Promise<void> {
  const ref = { name: metadata.name ?? "" };
  if ((metadata.finalizers?.length ?? 0) > 0) {
    const body = { metadata: { finalizers: null, uid: metadata.uid } };
    await found(client.patch(legacyMachines, ref, { type: "merge", body }, { signal }));
  }
  const preconditions = metadata.uid === undefined ? {} : { uid: metadata.uid };
  await found(client.delete(legacyMachines, ref, { preconditions, signal }));
}

const problem = (message: string): Omit<Finding, "object"> => ({ outcome: "problem", message });

async function found<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isKubeError(error, "NotFound")) return undefined;
    throw error;
  }
}
