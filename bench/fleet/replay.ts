/**
 * The writes of a Machine's life up to Ready, its Node's among them, as the controller and a kubelet make them, by nobody
 * who thinks: as many as the API server takes, beside whoever watches.
 */
import type { Condition } from "@machine-controller/api";
import {
  ANNOTATION_CREATE_INTENT,
  ANNOTATION_INSTANCE,
  ANNOTATION_NODE_MACHINE,
  LABEL_CONTROLLER,
  LABEL_NODE_OWNER,
  providerIdOf,
} from "@machine-controller/api/well-known";
import { machines } from "@machine-controller/controllers";
import { coreResources, type KubeClient } from "@machine-controller/kube-client";
import { joinNode } from "./join-node.ts";
import { machineOf, NAMESPACE } from "./manifests.ts";

const { nodes, secrets } = coreResources;
const WRITERS = 32;
const MEASURED_MS = 6_000;
const WARM_UP_MS = 2_000;

/** Lives a second. Leaves nothing behind. */
export async function measureReplay(client: KubeClient, signal: AbortSignal): Promise<number> {
  let count = 0;
  const liveFor = async (durationMs: number): Promise<number> => {
    const before = count;
    const startedAt = performance.now();
    const live = async (): Promise<void> => {
      while (performance.now() - startedAt < durationMs) await replay(client, `replay-${count++}`, signal);
    };
    await Promise.all(Array.from({ length: WRITERS }, live));
    return (1_000 * (count - before)) / (performance.now() - startedAt);
  };
  await liveFor(WARM_UP_MS);
  const perSecond = await liveFor(MEASURED_MS);
  await remove(
    client,
    Array.from({ length: count }, (_, n) => `replay-${n}`),
    signal,
  );
  return perSecond;
}

async function replay(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  const at = new Date().toISOString();
  const about = { name, namespace: NAMESPACE };
  const conditions = (status: "True" | "False"): Condition[] =>
    ["InstanceReady", "BootstrapReady", "NodeReady", "Ready"].map((type) => ({
      type,
      status,
      reason: "Replayed",
      message: status === "True" ? "" : "No Node has joined for this Machine.",
      lastTransitionTime: at,
    }));
  const patch = async (body: object): Promise<void> =>
    void (await client.patch(machines, about, { type: "merge", body }, { signal }));

  const manifest = machineOf(name, "replayed");
  // Of a shard that no controller handles.
  const metadata = { ...about, labels: { [LABEL_CONTROLLER]: "replayed" } };
  const { uid = "" } = (await client.create(machines, { ...manifest, metadata }, { signal })).metadata;
  const token = { "token-id": "YWJjZGVm", "token-secret": "MDEyMzQ1Njc4OWFiY2RlZg==", description: btoa(name) };
  await client.create(secrets, { apiVersion: "v1", kind: "Secret", metadata: about, data: token }, { signal });
  const intent = JSON.stringify({ token: uid, attempt: 1, at, provider: "hetzner", account: `credential:${uid}` });
  await patch({
    metadata: { annotations: { [ANNOTATION_CREATE_INTENT]: intent } },
    status: { phase: "Provisioning", conditions: conditions("False"), lastUpdated: at },
  });
  await patch({
    metadata: { annotations: { [ANNOTATION_INSTANCE]: intent } },
    spec: { providerID: providerIdOf("hetzner", uid) },
    status: { addresses: [{ type: "ExternalIP", address: "192.0.2.1" }], lastUpdated: at },
  });
  await joinNode(client, { id: 1, name, labels: { "machine-uid": uid }, public_net: { ipv4: null } }, signal);
  const owner = {
    labels: { [LABEL_NODE_OWNER]: uid },
    annotations: { [ANNOTATION_NODE_MACHINE]: `${NAMESPACE}/${name}` },
  };
  const node = await client.patch(nodes, { name }, { type: "merge", body: { metadata: owner } }, { signal });
  const nodeRef = { apiVersion: "v1", kind: "Node", name, uid: node.metadata.uid };
  await patch({ status: { phase: "Running", nodeRef, conditions: conditions("True"), lastUpdated: at } });
}

async function remove(client: KubeClient, names: readonly string[], signal: AbortSignal): Promise<void> {
  const left = names.values();
  const next = async (): Promise<void> => {
    for (const name of left) {
      const about = { name, namespace: NAMESPACE };
      await client.delete(machines, about, { signal });
      await client.delete(secrets, about, { signal });
      await client.delete(nodes, { name }, { signal });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, next));
}
