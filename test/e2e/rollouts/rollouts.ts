// What MachineDeployments and MachineSets promise, seen through the API by somebody who uses it.
import assert from "node:assert/strict";
import type { Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import { ANNOTATION_REVISION, ANNOTATION_ROLLBACK_TO, API_VERSION } from "@machine-controller/api/well-known";
import { machineDeployments, machines, machineSets } from "@machine-controller/controllers";
import type { Resource } from "@machine-controller/kube-client";
import {
  deploymentNamed,
  machineSetsOf,
  machinesLabelled,
  machinesOf,
  nodeNamesLike,
  nodeOf,
  remove,
} from "../provisioning/cluster.ts";
import { isReady, patchDeployment, readyMachines, withDeployment } from "../provisioning/machine-life.ts";
import { NAMESPACE } from "../provisioning/manifest.ts";
import { prepare, type Scenario } from "../provisioning/scenarios.ts";
import type { Site } from "../provisioning/site.ts";

export type Rollout = {
  readonly name: string;
  run(site: Site, scale: Scale): Promise<void>;
};
/** Through the scale subresource. */
export type Scale = (resource: Resource, name: string, replicas: number) => Promise<void>;

const [OLD, NEW, NEWEST] = ["1.34.7", "1.35.4", "1.36.2"] as const;

export const ROLLOUTS: readonly Rollout[] = [
  {
    name: "RollingUpdate",
    run: (site) =>
      live(site, "rolling", { replicas: 2 }, async (deployment) => {
        const name = deployment.metadata.name ?? "";
        await change(site, deployment, { template: kubelet(NEW) });
        await complete(site, deployment, NEW, async () => {
          const all = (await machinesLabelled(site, name)).filter(({ metadata }) => !metadata.deletionTimestamp);
          const nodes = await Promise.all(all.map((machine) => nodeOf(site, machine)));
          assert.ok(all.length <= 3, `${all.length} Machines`);
          assert.ok(nodes.filter(isReady).length >= 2, "fewer than two are Ready");
        });
        assert.equal((await current(site, deployment)).metadata.annotations?.[ANNOTATION_REVISION], "2");
      }),
  },
  {
    name: "Recreate",
    run: (site) =>
      live(site, "recreate", { replicas: 2, strategy: { type: "Recreate" } }, async (deployment) => {
        await change(site, deployment, { template: kubelet(NEW) });
        await complete(site, deployment, NEW, async () => {
          const all = await machinesLabelled(site, deployment.metadata.name ?? "");
          const versions = new Set(all.map(({ spec }) => spec.versions.kubelet));
          assert.ok(versions.size <= 1, `${[...versions].join(" and ")} at once`);
        });
      }),
  },
  {
    name: "OnDelete",
    run: (site) =>
      live(site, "on-delete", { replicas: 2, strategy: { type: "OnDelete" } }, async (deployment) => {
        await change(site, deployment, { template: kubelet(NEW) });
        await until(site, "the new template is known", deployment, ({ status }) => status?.updatedReplicas === 0);
        for (const left of [1, 0]) {
          const old = (await machinesOf(site, deployment)).find(({ spec }) => spec.versions.kubelet === OLD);
          assert.ok(old);
          await remove(site, machines, old);
          await site.until(`${left} Machines are old`, async () => {
            const all = await machinesOf(site, deployment);
            assert.ok(all.filter(({ metadata }) => !metadata.deletionTimestamp).length <= 2);
            const count = all.filter(({ spec }) => spec.versions.kubelet === OLD).length;
            return count === left && all.length === 2 ? { done: undefined } : { pending: `${count} of ${all.length}` };
          });
        }
        await complete(site, deployment, NEW);
      }),
  },
  {
    name: "rollback to a revision",
    run: (site) =>
      live(site, "rollback", {}, async (deployment) => {
        const [first] = await machineSetsOf(site, deployment);
        await change(site, deployment, { template: kubelet(NEW) });
        await complete(site, deployment, NEW);
        await rollBack(site, deployment, "1");
        await complete(site, deployment, OLD);
        const { metadata } = await current(site, deployment);
        assert.equal(metadata.annotations?.[ANNOTATION_REVISION], "3");
        assert.equal(metadata.annotations[ANNOTATION_ROLLBACK_TO], undefined);
        const sets = await machineSetsOf(site, deployment);
        const again = sets.find(({ spec }) => spec.template.spec.versions.kubelet === OLD);
        assert.equal(again?.metadata.uid, first?.metadata.uid);
        assert.equal(sets.length, 2);
      }),
  },
  {
    name: "history limit",
    run: (site) =>
      live(site, "history", { revisionHistoryLimit: 1 }, async (deployment) => {
        for (const version of [NEW, NEWEST]) {
          await change(site, deployment, { template: kubelet(version) });
          await complete(site, deployment, version);
        }
        await site.until("the oldest MachineSet is gone", async () => {
          const sets = await machineSetsOf(site, deployment);
          const revisions = sets.map(({ metadata }) => Number(metadata.annotations?.[ANNOTATION_REVISION]));
          revisions.sort((a, b) => a - b);
          return revisions.join() === "2,3" ? { done: undefined } : { pending: `revisions ${revisions.join()}` };
        });
      }),
  },
  {
    name: "pause",
    run: (site) =>
      live(site, "pause", {}, async (deployment) => {
        await change(site, deployment, { paused: true, replicas: 2, template: kubelet(NEW) });
        await until(site, "the paused one is scaled", deployment, ({ status }) => status?.availableReplicas === 2);
        assert.equal(await progress(site, deployment), "Unknown DeploymentPaused");
        assert.equal((await machineSetsOf(site, deployment)).length, 1);
        await change(site, deployment, { paused: false });
        await complete(site, deployment, NEW);
      }),
  },
  {
    name: "progress deadline",
    run: (site) =>
      live(site, "deadline", { progressDeadlineSeconds: 3 }, async (deployment) => {
        const cloudProviderSpec = { [site.provider.sizeField]: "no-such-size" };
        const template = { spec: { providerSpec: { value: { cloudProviderSpec } } } };
        await change(site, deployment, { template });
        await site.until("the deadline is missed", async () => {
          const now = await progress(site, deployment);
          return now === "False ProgressDeadlineExceeded" ? { done: undefined } : { pending: now };
        });
        assert.equal((await current(site, deployment)).status?.availableReplicas, 1);
        await rollBack(site, deployment, "1");
        await complete(site, deployment, OLD);
      }),
  },
  {
    name: "scale subresource of a MachineDeployment",
    run: (site, scale) =>
      live(site, "scale", {}, async (deployment) => {
        const name = deployment.metadata.name ?? "";
        await scale(machineDeployments, name, 2);
        await until(site, "it has grown", deployment, ({ status }) => status?.availableReplicas === 2);
        assert.equal(await selectorOf(site, machineDeployments, name), `name=${name}`);
        await scale(machineDeployments, name, 1);
        await until(site, "it has shrunk", deployment, ({ status }) => status?.replicas === 1);
      }),
  },
  { name: "a MachineSet of its own: scaled by its subresource, deleted with its Machines", run: loneMachineSet },
  {
    name: "deletion takes MachineSets, Machines, Nodes and instances along",
    run: (site) =>
      live(site, "cascade", { replicas: 2 }, async (deployment) => {
        const name = deployment.metadata.name ?? "";
        await remove(site, machineDeployments, deployment);
        await site.until("all are gone", async () => {
          const left = [
            (await deploymentNamed(site, name)) ? "the MachineDeployment" : "",
            ...(await machineSetsOf(site, deployment)).map(({ metadata }) => metadata.name),
            ...(await machinesLabelled(site, name)).map(({ metadata }) => metadata.name),
            ...(await nodeNamesLike(site, name)),
          ].filter(Boolean);
          return left.length === 0 ? { done: undefined } : { pending: left.join(", ") };
        });
        // Taken down again by the suite, which needs something to take down.
        const { metadata, spec } = deployment;
        const { labels } = metadata;
        const again = { name, namespace: NAMESPACE, ...(labels && { labels }) };
        await site.create(machineDeployments, {
          apiVersion: API_VERSION,
          kind: "MachineDeployment",
          metadata: again,
          spec: { ...spec, replicas: 0 },
        } as MachineDeployment);
      }),
  },
];

async function loneMachineSet(site: Site, scale: Scale): Promise<void> {
  const { metadata, spec } = await prepare(site, scenario("lone"));
  const name = metadata.name ?? "";
  const manifest: MachineSet = {
    apiVersion: API_VERSION,
    kind: "MachineSet",
    metadata: { name, namespace: NAMESPACE },
    spec: { selector: spec.selector, template: spec.template },
  };
  await site.create(machineSets, manifest);
  const set = (): Promise<MachineSet> => site.client.get(machineSets, { namespace: NAMESPACE, name }, site);
  const ready = (count: number): Promise<void> =>
    site.until(`${name} has ${count} Ready Machines`, async () => {
      const { status } = await set();
      const counts = [status?.replicas, status?.readyReplicas];
      return counts.every((n) => n === count) ? { done: undefined } : { pending: counts.join(", ") };
    });
  await ready(1);
  await scale(machineSets, name, 3);
  await ready(3);
  assert.equal(await selectorOf(site, machineSets, name), `name=${name}`);
  await scale(machineSets, name, 1);
  await ready(1);
  await remove(site, machineSets, await set());
  await site.until(`${name} is gone with all`, async () => {
    const left = [...(await machinesLabelled(site, name)), ...(await nodeNamesLike(site, name))];
    return left.length === 0 ? { done: undefined } : { pending: `${left.length} left` };
  });
}

const scenario = (name: string): Scenario => ({ name: `rollout-${name}`, operatingSystem: "ubuntu", kubelet: OLD });

/** A MachineDeployment whose Machines are all Ready; taken down afterwards. */
// oxlint-disable-next-line max-params -- reads as a sentence: where, what, how, and what is done with it
function live(
  site: Site,
  name: string,
  spec: object,
  run: (deployment: MachineDeployment) => Promise<void>,
): Promise<void> {
  return withDeployment(site, scenario(name), async (deployment) => {
    await change(site, deployment, spec);
    await readyMachines(site, await current(site, deployment), scenario(name));
    await complete(site, deployment, OLD);
    await run(await current(site, deployment));
  });
}

const kubelet = (version: string): object => ({ spec: { versions: { kubelet: version } } });
const change = patchDeployment;

async function current(site: Site, { metadata }: MachineDeployment): Promise<MachineDeployment> {
  const found = await deploymentNamed(site, metadata.name ?? "");
  assert.ok(found);
  return found;
}

/** All Machines have the version and are Ready, and the status says so. @param check runs at each look. */
// oxlint-disable-next-line max-params -- as live
function complete(
  site: Site,
  deployment: MachineDeployment,
  version: string,
  check: () => Promise<void> = async () => undefined,
): Promise<Machine[]> {
  return site.until(`${deployment.metadata.name} is rolled out to ${version}`, async () => {
    await check();
    const { metadata, spec, status } = await current(site, deployment);
    const found = await machinesOf(site, deployment);
    const are = found.filter((machine) => machine.spec.versions.kubelet === version).length;
    const now = await progress(site, deployment);
    const isDone =
      are === spec.replicas &&
      found.length === spec.replicas &&
      status?.observedGeneration === metadata.generation &&
      status?.updatedReplicas === spec.replicas &&
      status?.availableReplicas === spec.replicas &&
      now === "True NewReplicaSetAvailable";
    return isDone ? { done: found } : { pending: `${are} of ${found.length} Machines, ${now}` };
  });
}

// oxlint-disable-next-line max-params -- as live
async function until(
  site: Site,
  what: string,
  deployment: MachineDeployment,
  isTrue: (deployment: MachineDeployment) => boolean,
): Promise<void> {
  await site.until(what, async () => {
    const found = await current(site, deployment);
    return isTrue(found)
      ? { done: undefined }
      : { pending: `${found.status?.availableReplicas} of ${found.status?.replicas} are available` };
  });
}

async function progress(site: Site, deployment: MachineDeployment): Promise<string> {
  const { status } = await current(site, deployment);
  const condition = status?.conditions?.find(({ type }) => type === "Progressing");
  return `${condition?.status} ${condition?.reason}`;
}

async function rollBack({ client, signal }: Site, { metadata }: MachineDeployment, revision: string): Promise<void> {
  const body = { metadata: { annotations: { [ANNOTATION_ROLLBACK_TO]: revision } } };
  const ref = { namespace: NAMESPACE, name: metadata.name ?? "" };
  await client.patch(machineDeployments, ref, { type: "merge", body }, { signal });
}

/** What a HorizontalPodAutoscaler finds Machines by. */
async function selectorOf(
  { client, signal }: Site,
  { group, version, plural }: Resource,
  name: string,
): Promise<unknown> {
  const path = `/apis/${group}/${version}/namespaces/${NAMESPACE}/${plural}/${name}/scale`;
  const scale = (await (await client.request(path, { signal })).json()) as { status?: { selector?: unknown } };
  return scale.status?.selector;
}
