// The ways that a scenario takes. Each leaves nothing behind, and throws where something is not as it should be.
import assert from "node:assert/strict";
import type { Machine, MachineDeployment } from "@machine-controller/api";
import { ANNOTATION_REVISION, providerIdOf } from "@machine-controller/api/well-known";
import { machineDeployments, machineSets } from "@machine-controller/controllers";
import { isKubeError, type Node } from "@machine-controller/kube-client";
import {
  deploymentNamed,
  eventsOf,
  machineSetsOf,
  machinesLabelled,
  machinesOf,
  nodeNamesLike,
  nodeOf,
  remove,
} from "./cluster.ts";
import { describeState } from "./describe-state.ts";
import { NAMESPACE } from "./manifest.ts";
import { type Mistake, prepare, type Scenario } from "./scenarios.ts";
import type { Site } from "./site.ts";

export async function createAndDelete(site: Site, scenario: Scenario): Promise<void> {
  await withDeployment(site, scenario, async (deployment) => {
    await readyMachines(site, deployment, scenario);
  });
}

/** A changed template replaces the Machine: a second MachineSet, then none left in the first. */
export async function createUpdateAndDelete(site: Site, scenario: Scenario): Promise<void> {
  await withDeployment(site, scenario, async (deployment) => {
    const [before] = await readyMachines(site, deployment, scenario);
    const labels = { testUpdate: "true" };
    await patchDeployment(site, deployment, { template: { spec: { metadata: { labels } } } });
    const [oldSet, newSet] = await site.until(`${deployment.metadata.name} rolls`, async () => {
      const sets = await machineSetsOf(site, deployment);
      sets.sort((a, b) => revisionOf(a) - revisionOf(b));
      return sets.length === 2 ? { done: sets } : { pending: `${sets.length} MachineSets` };
    });
    assert.ok(oldSet && newSet);
    await site.until(`${deployment.metadata.name} replaces ${before?.metadata.name}`, async () => {
      const old = await site.client.get(machineSets, { namespace: NAMESPACE, name: oldSet.metadata.name ?? "" }, site);
      const [oldMachines, newMachines] = [await machinesOf(site, oldSet), await machinesOf(site, newSet)];
      const [machine] = newMachines;
      const node = machine && (await nodeOf(site, machine));
      const isDone = old.spec.replicas === 0 && oldMachines.length === 0 && newMachines.length === 1 && isReady(node);
      return isDone
        ? { done: undefined }
        : { pending: `old ${old.spec.replicas}/${oldMachines.length}, new ${newMachines.length}` };
    });
    const [after] = await machinesOf(site, newSet);
    assert.equal((after && (await nodeOf(site, after)))?.metadata.labels?.["testUpdate"], "true");
  });
}

/**
 * The Machine says in its status and in an Event what is wrong, and can be deleted all the same. Where the cluster has the
 * admission webhooks, they say so, and there is no Machine.
 */
export async function refuse(site: Site, mistake: Mistake): Promise<void> {
  const check = (name: string, message: string): void => {
    site.log(`${name}: ${message}`);
    for (const part of mistake.says) assert.match(message, part);
    for (const secret of Object.values(site.access)) assert.ok(!message.includes(secret), "the message has a secret");
  };
  const live = async (deployment: MachineDeployment): Promise<void> => {
    const machine = await site.until(`${deployment.metadata.name} is refused`, async () => {
      const [found] = await machinesOf(site, deployment);
      return found?.status?.errorMessage ? { done: found } : { pending: found ? "no errorMessage" : "no Machine" };
    });
    check(deployment.metadata.name ?? "", machine.status?.errorMessage ?? "");
    await site.until(`${deployment.metadata.name} has the Event`, async () => {
      const events = await eventsOf(site, machine);
      const said = events.some(
        ({ type, message = "" }) => type === "Warning" && mistake.says.every((part) => part.test(message)),
      );
      return said ? { done: undefined } : { pending: `${events.length} other Events` };
    });
  };
  await withDeployment(site, mistake, live, (refusal) => check(mistake.name, refusal));
}

/**
 * Creates the MachineDeployment of a scenario, and takes it down again when it has lived. `refused` is told where it is not
 * admitted, which is an error without it.
 */
// oxlint-disable-next-line max-params -- two ways to go on
export async function withDeployment(
  site: Site,
  scenario: Scenario,
  live: (deployment: MachineDeployment) => Promise<void>,
  refused?: (message: string) => void,
): Promise<void> {
  const manifest = await prepare(site, scenario);
  const { name = "" } = manifest.metadata;
  try {
    assert.deepEqual(await nodeNamesLike(site, name), [], "Nodes of an earlier run");
    const refusal = await site.create(machineDeployments, manifest).catch((error: unknown) => {
      if (refused === undefined || !isKubeError(error, "Invalid")) throw error;
      return error.message;
    });
    if (refusal !== undefined) return refused?.(refusal);
    const deployment = await deploymentNamed(site, name);
    assert.ok(deployment);
    await live(deployment);
    await dismantle(site, deployment);
  } catch (error) {
    if (!site.signal.aborted) console.error(await describeState(site, name));
    throw error;
  }
}

async function dismantle(site: Site, deployment: MachineDeployment): Promise<void> {
  const { name = "" } = deployment.metadata;
  await patchDeployment(site, deployment, { replicas: 0 });
  await site.until(`${name} is empty`, async () => {
    const left = await machinesLabelled(site, name);
    return left.length === 0 ? { done: undefined } : { pending: `${left.length} Machines left` };
  });
  await remove(site, machineDeployments, deployment);
  await site.until(`${name} is gone`, async () => {
    const found = await deploymentNamed(site, name);
    return found === undefined ? { done: undefined } : { pending: "still there" };
  });
  assert.deepEqual(await nodeNamesLike(site, name), [], "Nodes left behind");
  const { cloudApi: api, access, signal } = site;
  const inCloud = (await site.provider.inventory({ api, access, signal })).filter((thing) =>
    thing.includes(`${name}-`),
  );
  assert.deepEqual(inCloud, [], "left in the cloud");
}

/** As many Machines as replicas, each with addresses and a healthy Ready Node that is its own. */
export async function readyMachines(
  site: Site,
  deployment: MachineDeployment,
  { kubelet }: Scenario,
): Promise<Machine[]> {
  return site.until(`${deployment.metadata.name} is Ready`, async () => {
    const found = await machinesOf(site, deployment);
    if (found.length !== deployment.spec.replicas) return { pending: `${found.length} Machines` };
    for (const machine of found) {
      if (!machine.status?.addresses?.length) return { pending: `${machine.metadata.name} has no address` };
      const node = await nodeOf(site, machine);
      if (node === undefined) return { pending: `${machine.metadata.name} has no Node` };
      if (!isReady(node)) return { pending: `Node ${node.metadata.name} is not Ready` };
      if (!isConditionTrue(machine, "Ready")) return { pending: `${machine.metadata.name} is not Ready` };
      checkNode(site, { machine, node, kubelet });
    }
    return { done: found };
  });
}

function checkNode(site: Site, { machine, node, kubelet }: { machine: Machine; node: Node; kubelet: string }): void {
  const { provider, isSimulated } = site;
  const { conditions = [], nodeInfo } = node.status ?? {};
  for (const type of ["MemoryPressure", "DiskPressure", "PIDPressure"]) {
    assert.equal(conditions.find((condition) => condition.type === type)?.status, "False", type);
  }
  assert.equal(nodeInfo?.kubeletVersion, `v${kubelet}`);
  assert.equal(machine.status?.nodeRef?.name, node.metadata.name);
  const ours = providerIdOf(provider.name, machine.metadata.uid ?? "");
  const { providerID = "" } = node.spec ?? {};
  if (isSimulated || !provider.cloudProviderId.test(providerID)) assert.equal(providerID, ours);
}

export const isReady = (node: Node | undefined): boolean =>
  node?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

const isConditionTrue = ({ status }: Machine, wanted: string): boolean =>
  status?.conditions?.some(({ type, status }) => type === wanted && status === "True") ?? false;

const revisionOf = ({ metadata }: { metadata: { annotations?: Record<string, string> } }): number =>
  Number(metadata.annotations?.[ANNOTATION_REVISION]);

export async function patchDeployment(
  { client, signal }: Site,
  { metadata }: MachineDeployment,
  spec: object,
): Promise<void> {
  const ref = { namespace: NAMESPACE, name: metadata.name ?? "" };
  await client.patch(machineDeployments, ref, { type: "merge", body: { spec } }, { signal });
}
