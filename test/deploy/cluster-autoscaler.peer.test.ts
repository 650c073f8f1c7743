// The cluster-autoscaler's calls, with the rights of examples/cluster-autoscaler.yaml, on a real API server.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { machineDeployments } from "@machine-controller/controllers";
import { connectKubeconfig, type Node } from "@machine-controller/kube-client";
import { createCleanUp } from "../e2e/clean-up.ts";
import { machinesOf, nodeOf } from "../e2e/provisioning/cluster.ts";
import { PROVIDERS } from "../e2e/provisioning/providers.ts";
import { prepare } from "../e2e/provisioning/scenarios.ts";
import { createSite, SIMULATED_SSH_KEY, simulatedAccess, type Site } from "../e2e/provisioning/site.ts";
import { simplest } from "../e2e/provisioning/suite.ts";
import { buildHelm } from "../peers/build.ts";
import { describeRequest, isForbidden, requestsOf } from "./audit.ts";
import { createClusterAutoscaler, type NodeGroup } from "./cluster-autoscaler.ts";
import { type InstalledCluster, installChart } from "./installed-cluster.ts";

const ACCOUNT = "system:serviceaccount:kube-system:cluster-autoscaler";
const BOUNDS = {
  "cluster.k8s.io/cluster-api-autoscaler-node-group-min-size": "0",
  "cluster.k8s.io/cluster-api-autoscaler-node-group-max-size": "5",
};
const found = await buildHelm();
const skip = "skipped" in found && found.skipped;
const [provider] = PROVIDERS;
assert.ok(provider);

describe("the cluster-autoscaler", { skip }, () => {
  const cleanUp = createCleanUp();
  const { signal } = cleanUp;
  let cluster: InstalledCluster;
  let site: Site;
  let autoscaler: ReturnType<typeof createClusterAutoscaler>;
  let deployment = "";
  before(async () => {
    const helm = "helm" in found ? found.helm : "";
    cluster = await installChart(cleanUp, helm, { values: "controller.replicas=1", namespaces: [] });
    await cluster.kubectl("apply", "--filename", "examples/cluster-autoscaler.yaml");
    await (await cluster.startController()).printed(/caches are filled/);
    site = await createSite({
      provider,
      cleanUp,
      kubeconfig: cluster.controlPlane.kubeconfigPath,
      isSimulated: true,
      cloudApi: cluster.cloudApi,
      access: simulatedAccess(provider),
      sshKey: SIMULATED_SSH_KEY,
    });
    const connected = await connectKubeconfig({ kubeconfig: await cluster.kubeconfigOf("cluster-autoscaler") });
    cleanUp.defer(connected.close);
    autoscaler = createClusterAutoscaler(connected.client);
    const manifest = await prepare(site, simplest(provider, "pool"));
    manifest.metadata.annotations = { ...manifest.metadata.annotations, ...BOUNDS };
    manifest.spec.replicas = 0;
    deployment = manifest.metadata.name ?? "";
    await site.create(machineDeployments, manifest);
  });
  after(() => cleanUp.run());

  test("finds the group's resources by discovery", async () => {
    const { version, resources } = await autoscaler.discover({ signal });
    assert.equal(version, "v1alpha1");
    for (const name of ["machinedeployments", "machinedeployments/scale", "machinesets", "machines"]) {
      assert.ok(resources.includes(name), name);
    }
  });

  test("finds the pool, empty as it is, and scales it from zero", async () => {
    const group = await site.until("its capacity is known", async () => {
      const found = await pool();
      return found.canScaleFromZero ? { done: found } : { pending: JSON.stringify(found.deployment.metadata) };
    });
    assert.deepEqual([group.minSize, group.maxSize], [0, 5]);
    assert.equal(await autoscaler.sizeOf(group, { signal }), 0);
    await autoscaler.setSize(group, 3, { signal });
    const nodes = await readyNodes(3);
    const ids = await autoscaler.instancesOf(group, { signal });
    assert.deepEqual(new Set(ids), new Set(nodes.map(({ spec }) => spec?.providerID)));
    for (const node of nodes) assert.equal((await autoscaler.groupOf(node, { signal }))?.id, group.id);
  });

  test("takes the Nodes that it chose, and no others", async () => {
    const [first, chosen, third] = await readyNodes(3);
    assert.ok(first && chosen && third);
    await autoscaler.deleteNodes(await pool(), [chosen, third], { signal });
    const [left] = await readyNodes(1);
    assert.equal(left?.metadata.uid, first.metadata.uid);
    assert.equal(await autoscaler.sizeOf(await pool(), { signal }), 1);
  });

  test("scales to zero, and never beyond the bounds", async () => {
    const group = await pool();
    const [last] = await readyNodes(1);
    assert.ok(last);
    await autoscaler.deleteNodes(group, [last], { signal });
    await readyNodes(0);
    await assert.rejects(autoscaler.deleteNodes(group, [last], { signal }), /smaller than 0/);
  });

  test("was refused nothing", () => {
    const requests = requestsOf(cluster.auditLog, ACCOUNT);
    assert.ok(requests.length > 10);
    assert.deepEqual(requests.filter(isForbidden).map(describeRequest), []);
  });

  async function pool(): Promise<NodeGroup> {
    const group = (await autoscaler.nodeGroups({ signal })).find(({ id }) => id.endsWith(`/${deployment}`));
    assert.ok(group);
    return group;
  }

  /** Nodes of the pool, once there are exactly so many Machines and all have one that is Ready. */
  async function readyNodes(count: number): Promise<Node[]> {
    const { metadata } = (await pool()).deployment;
    return site.until(`${count} Nodes`, async () => {
      const machines = await machinesOf(site, { metadata, kind: "MachineDeployment" } as NodeGroup["deployment"]);
      const ready = machines.filter(({ status }) => status?.phase === "Running");
      if (machines.length !== count || ready.length !== count)
        return { pending: `${ready.length} of ${machines.length}` };
      const nodes = await Promise.all(ready.map((machine) => nodeOf(site, machine)));
      return { done: nodes.filter((node) => node !== undefined) };
    });
  }
});
