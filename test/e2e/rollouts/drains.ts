// What a Machine that is deleted waits for, with the disruption budgets and evictions of a real API server.
import assert from "node:assert/strict";
import type { Machine, MachineDeployment } from "@machine-controller/api";
import { ANNOTATION_DRAIN_POLICY, ANNOTATION_DRAIN_TIMEOUT } from "@machine-controller/api/well-known";
import { machines } from "@machine-controller/controllers";
import { coreResources, defineResource, isKubeError, type KubeObject } from "@machine-controller/kube-client";
import { remove } from "../provisioning/cluster.ts";
import { patchDeployment, readyMachines, withDeployment } from "../provisioning/machine-life.ts";
import { NAMESPACE } from "../provisioning/manifest.ts";
import type { Scenario } from "../provisioning/scenarios.ts";
import type { Site } from "../provisioning/site.ts";
import type { Rollout } from "./rollouts.ts";

const { pods, volumeAttachments } = coreResources;
const podDisruptionBudgets = defineResource<KubeObject & { status?: { observedGeneration?: number } }>({
  group: "policy",
  version: "v1",
  plural: "poddisruptionbudgets",
  kind: "PodDisruptionBudget",
  namespaced: true,
});
const PAUSE = "registry.k8s.io/pause:3.10";

export const DRAINS: readonly Rollout[] = [
  {
    name: "a disruption budget holds a drain back until its pod is replaced",
    run: (site) =>
      live(site, "budget", async (deployment, [going, staying]) => {
        const app = deployment.metadata.name ?? "";
        await runPod(site, { name: `${app}-a`, app, machine: going });
        await runPod(site, { name: `${app}-free`, app: `${app}-free`, machine: going });
        await keepOne(site, app);
        await remove(site, machines, going);
        const why = await messageOf(site, going, "PodsHeldBack");
        assert.match(why, new RegExp(`${NAMESPACE}/${app}-a \\(.*\\b${app}\\b.*\\) must move`));
        assert.deepEqual(await podsOf(site, app), [`${app}-a`]);
        await podsAre(site, `${app}-free`, []);

        await runPod(site, { name: `${app}-b`, app, machine: staying });
        await isGone(site, going);
        assert.deepEqual(await podsOf(site, app), [`${app}-b`]);
        await deletePod(site, `${app}-b`);
      }),
  },
  {
    name: "a drain that has its time goes on without the pod",
    run: (site) =>
      live(site, "timeout", async (deployment, [going]) => {
        const app = deployment.metadata.name ?? "";
        await annotate(site, going, { [ANNOTATION_DRAIN_TIMEOUT]: "3s" });
        await runPod(site, { name: `${app}-a`, app, machine: going });
        await keepOne(site, app);
        await remove(site, machines, going);
        await isGone(site, going);
        await isLeft(site, app);
      }),
  },
  {
    name: "a Machine that skips its drain evicts nobody",
    run: (site) =>
      live(site, "skip", async (deployment, [going]) => {
        const app = deployment.metadata.name ?? "";
        await annotate(site, going, { [ANNOTATION_DRAIN_POLICY]: "Skip" });
        await runPod(site, { name: `${app}-a`, app, machine: going });
        await remove(site, machines, going);
        await isGone(site, going);
        await isLeft(site, app);
      }),
  },
  {
    name: "an instance waits until its volumes are detached",
    run: (site) =>
      live(site, "volume", async (deployment, [going]) => {
        const name = deployment.metadata.name ?? "";
        const attachment = {
          apiVersion: "storage.k8s.io/v1",
          kind: "VolumeAttachment",
          metadata: { name },
          spec: {
            attacher: "csi.example.com",
            nodeName: nodeName(going),
            source: { persistentVolumeName: `pv-${name}` },
          },
        };
        await site.create(volumeAttachments, attachment);
        const status = { type: "merge", body: { status: { attached: true } } } as const;
        await site.client.patch(volumeAttachments, { name }, status, { subresource: "status", signal: site.signal });
        await remove(site, machines, going);
        assert.match(await messageOf(site, going, "VolumesAttached"), new RegExp(`pv-${name} must be`));
        await remove(site, volumeAttachments, attachment);
        await isGone(site, going);
      }),
  },
];

type Two = readonly [going: Machine, staying: Machine];

/** Two Machines with their Nodes, of which a test deletes the first. */
function live(
  site: Site,
  name: string,
  run: (deployment: MachineDeployment, machines: Two) => Promise<void>,
): Promise<void> {
  const scenario: Scenario = { name: `drain-${name}`, operatingSystem: "ubuntu", kubelet: "1.36.2" };
  return withDeployment(site, scenario, async (deployment) => {
    await patchDeployment(site, deployment, { replicas: 2 });
    const wanted = { ...deployment, spec: { ...deployment.spec, replicas: 2 } };
    const [going, staying] = await readyMachines(site, wanted, scenario);
    assert.ok(going && staying);
    await run(deployment, [going, staying]);
  });
}

const nodeName = ({ status }: Machine): string => status?.nodeRef?.name ?? "";

/** A pod as it is once its kubelet runs it: Running and Ready. Without a grace, since there is no kubelet to end it. */
async function runPod(
  site: Site,
  { name, app, machine }: { name: string; app: string; machine: Machine },
): Promise<void> {
  await site.create(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: NAMESPACE, labels: { app } },
    spec: {
      nodeName: nodeName(machine),
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "pause", image: PAUSE }],
    },
  } as KubeObject);
  const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
  const patch = { type: "merge", body: { status } } as const;
  await site.client.patch(pods, { namespace: NAMESPACE, name }, patch, { subresource: "status", signal: site.signal });
}

/** A budget that wants one Ready pod of the app, once its controller has counted them. */
async function keepOne(site: Site, app: string): Promise<void> {
  await site.create(podDisruptionBudgets, {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: app, namespace: NAMESPACE },
    spec: { minAvailable: 1, selector: { matchLabels: { app } } },
  } as KubeObject);
  await site.until(`budget ${app} is counted`, async () => {
    const { status } = await site.client.get(podDisruptionBudgets, { namespace: NAMESPACE, name: app }, site);
    return status?.observedGeneration === 1 ? { done: undefined } : { pending: "not yet" };
  });
}

const annotate = async ({ client, signal }: Site, { metadata }: Machine, annotations: object): Promise<void> => {
  const ref = { namespace: NAMESPACE, name: metadata.name ?? "" };
  await client.patch(machines, ref, { type: "merge", body: { metadata: { annotations } } }, { signal });
};

/** What the Machine's condition says, once one has the reason. */
function messageOf(site: Site, { metadata }: Machine, reason: string): Promise<string> {
  return site.until(`${metadata.name} says ${reason}`, async () => {
    const ref = { namespace: NAMESPACE, name: metadata.name ?? "" };
    const { conditions = [] } = (await site.client.get(machines, ref, site)).status ?? {};
    const found = conditions.find((condition) => condition.reason === reason);
    return found ? { done: found.message ?? "" } : { pending: conditions.map(({ reason }) => reason).join() };
  });
}

function isGone(site: Site, { metadata }: Machine): Promise<void> {
  return site.until(`${metadata.name} is gone`, async () => {
    try {
      const found = await site.client.get(machines, { namespace: NAMESPACE, name: metadata.name ?? "" }, site);
      return { pending: JSON.stringify(found.status?.conditions?.find(({ type }) => type === "Draining")) };
    } catch (error) {
      if (!isKubeError(error, "NotFound")) throw error;
      return { done: undefined };
    }
  });
}

async function podsOf({ client, signal }: Site, app: string): Promise<string[]> {
  const { items } = await client.listAll(pods, { namespace: NAMESPACE, labelSelector: `app=${app}`, signal });
  return items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name ?? "");
}

const podsAre = (site: Site, app: string, wanted: readonly string[]): Promise<void> =>
  site.until(`pods of ${app}`, async () => {
    const found = await podsOf(site, app);
    return found.join() === wanted.join() ? { done: undefined } : { pending: found.join() };
  });

/** Its Node is gone, but nobody has evicted it. */
async function isLeft(site: Site, app: string): Promise<void> {
  assert.deepEqual(await podsOf(site, app), [`${app}-a`]);
  await deletePod(site, `${app}-a`);
}

async function deletePod(site: Site, name: string): Promise<void> {
  await remove(site, pods, { apiVersion: "v1", kind: "Pod", metadata: { namespace: NAMESPACE, name } });
}
