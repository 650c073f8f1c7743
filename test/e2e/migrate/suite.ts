// A Machine of an early release, its server and its Node, brought into today's form by the command that people run.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { recordOf } from "@machine-controller/api";
import { serveSimulator, systemClock, systemRandom } from "@machine-controller/cloud-simulator";
import { machines } from "@machine-controller/controllers";
import {
  coreResources,
  type CustomResourceDefinition,
  defineResource,
  type KubeClient,
  type KubeObject,
} from "@machine-controller/kube-client";
import { createHetznerSimulator } from "@machine-controller/provider-hetzner/sim";
import { startController } from "../controller-process.ts";
import { until } from "../until.ts";

export type OldCluster = { client: KubeClient; kubeconfig: string; close: () => Promise<void> };

const { signal } = new AbortController();
const PATIENCE = { timeoutMs: 60_000, pollMs: 200, signal, progress: () => undefined, quietMs: 60_000 };
const TOKEN = "simulated-token";
const REF = { namespace: "kube-system", name: "old" };
const DEFINITION = "machines.machine.k8s.io";
const legacyMachines = defineResource<KubeObject>({
  group: "machine.k8s.io",
  version: "v1alpha1",
  kind: "Machine",
  plural: "machines",
  namespaced: false,
});
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: DEFINITION, annotations: { "api-approved.kubernetes.io": "unapproved, legacy API" } },
  spec: {
    group: "machine.k8s.io",
    scope: "Cluster",
    names: { kind: "Machine", plural: "machines", singular: "machine", listKind: "MachineList" },
    versions: [
      {
        name: "v1alpha1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
} as CustomResourceDefinition;

/** @param open a cluster that has today's CRDs. */
export function migrationSuite(name: string, open: () => Promise<OldCluster>): void {
  describe(name, () => migrationTests(open));
}

function migrationTests(open: () => Promise<OldCluster>): void {
  let cluster: OldCluster;
  let api: string;
  let closeCloud: () => Promise<void>;
  let oldUid: string;

  const cloud = async (method: string, path: string, body?: object): Promise<Record<string, never>> => {
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    const response = await fetch(`${api}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return (await response.json()) as Record<string, never>;
  };
  const servers = async (): Promise<{ id: number; labels: Record<string, string> }[]> =>
    (await cloud("GET", "/servers"))["servers"] ?? [];
  const run = async (...args: string[]): Promise<{ code: number; output: string }> => {
    const migration = startController(["migrate", `-kubeconfig=${cluster.kubeconfig}`, ...args], {
      HCLOUD_ENDPOINT: api,
    });
    return { code: await migration.exited, output: migration.output() };
  };

  before(async () => {
    cluster = await open();
    const simulator = createHetznerSimulator({ database: ":memory:", clock: systemClock, random: systemRandom });
    const served = await serveSimulator(simulator, { host: "127.0.0.1", port: 0 });
    const stop = new AbortController();
    const running = simulator.run(stop.signal);
    closeCloud = async () => {
      stop.abort();
      await running;
      await served.close();
      simulator.close();
    };
    api = `${served.url}/v1`;
    const { client } = cluster;
    await client.create(coreResources.customResourceDefinitions, definition, { signal });
    const value = {
      cloudProvider: "hetzner",
      cloudProviderSpec: { token: TOKEN, serverType: "cx23", location: "nbg1" },
      operatingSystem: "ubuntu",
    };
    const legacy = {
      apiVersion: "machine.k8s.io/v1alpha1",
      kind: "Machine",
      metadata: { name: "old", finalizers: ["machine-delete-finalizer"] },
      spec: { metadata: { name: "old-node" }, providerConfig: value, versions: { kubelet: "1.36.2" } },
      status: { nodeRef: { name: "old-node" } },
    } as KubeObject;
    const { metadata } = await until(
      "the legacy kind is served",
      async () => {
        const made = await client.create(legacyMachines, legacy, { signal }).catch((error: unknown) => error);
        return made instanceof Error ? { pending: made.message } : { done: made as KubeObject };
      },
      PATIENCE,
    );
    oldUid = metadata.uid ?? "";
    const owner = { apiVersion: "machine.k8s.io/v1alpha1", kind: "Machine", name: "old", uid: oldUid };
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "old-node", ownerReferences: [owner] } };
    await client.create(coreResources.nodes, node, { signal });
    const labels = { "machine-uid": oldUid };
    await cloud("POST", "/servers", { name: "old-node", server_type: "cx23", image: "ubuntu-24.04", labels });
  });
  after(async () => {
    await closeCloud?.();
    await cluster?.close();
  });

  test("without being told to, it changes nothing and says what it would do", async () => {
    const { code, output } = await run();
    assert.equal(code, 0, output);
    assert.match(output, /would be done {2}Machine old of machine\.k8s\.io: becomes Machine kube-system\/old\n/);
    await assert.rejects(cluster.client.get(machines, REF, { signal }), { code: "NotFound" });
    assert.equal((await servers())[0]?.labels["machine-uid"], oldUid);
  });

  test("told to, it moves Machine, server and Node, and a second run finds nothing to do", async () => {
    const { code, output } = await run("-dry-run=false");
    assert.equal(code, 0, output);
    const { metadata } = await cluster.client.get(machines, REF, { signal });
    assert.deepEqual(
      (await servers()).map(({ labels }) => labels["machine-uid"]),
      [metadata.uid],
    );
    const node = await cluster.client.get(coreResources.nodes, { name: "old-node" }, { signal });
    assert.equal(node.metadata.labels?.["machine-controller/owned-by"], metadata.uid);
    assert.equal(node.metadata.ownerReferences, undefined);
    await until(
      "the legacy kind is gone",
      async () => {
        const left = await cluster.client
          .get(coreResources.customResourceDefinitions, { name: DEFINITION }, { signal })
          .catch(() => undefined);
        return left === undefined ? { done: true } : { pending: "still there" };
      },
      PATIENCE,
    );
    assert.match((await run("-dry-run=false")).output, /0 migrated, 0 to be looked at/);
  });

  test("the controller then takes the server for the Machine's, and makes no other", async (t) => {
    const [server] = await servers();
    const controller = startController(
      [`-kubeconfig=${cluster.kubeconfig}`, "-health-probe-address=0", "-metrics-address=0"],
      { HCLOUD_ENDPOINT: api },
    );
    t.after(() => controller.stop());
    const record = await until(
      "the server is recorded",
      async () => {
        const found = recordOf(await cluster.client.get(machines, REF, { signal }));
        return found === undefined ? { pending: controller.output().slice(-400) } : { done: found };
      },
      PATIENCE,
    );
    assert.equal(record.id, String(server?.id));
    assert.equal((await servers()).length, 1);
  });
}
