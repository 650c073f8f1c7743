/** Writes a fleet as the controller would have left it: it makes one Machine, and the others are copies of that. */
import type { Machine, MachineSet } from "@machine-controller/api";
import {
  ANNOTATION_CREATE_INTENT,
  ANNOTATION_INSTANCE,
  LABEL_NODE_OWNER,
  providerIdOf,
} from "@machine-controller/api/well-known";
import { machineDeployments, machines, machineSets } from "@machine-controller/controllers";
import { coreResources, type KubeObject, type Node } from "@machine-controller/kube-client";
import { setTimeout as sleep } from "node:timers/promises";
import { CALM_MS, makeFirst } from "./first.ts";
import { viewFleet } from "./fleet-view.ts";
import type { Server } from "./join-node.ts";
import { FLEET, NAMESPACE } from "./manifests.ts";
import type { FleetSite } from "./site.ts";
import { SEED_TOKEN } from "./cloud.ts";
import { idleSince } from "./restart.ts";

const WRITERS = 16;

/** The controller does not run afterwards. Servers of the copies exist in the cloud too; its Nodes are not joined twice. */
export async function seedFleet(
  site: FleetSite,
  { machines: count, signal, progress }: { machines: number; signal: AbortSignal; progress: (line: string) => void },
): Promise<void> {
  const { client } = site;
  const watching = new AbortController();
  const view = await viewFleet(client, { signal: AbortSignal.any([signal, watching.signal]), progress });
  const { machine, machineSet, node } = await makeFirst(site, view, signal);
  watching.abort();
  let next = 1;
  const write = async (): Promise<void> => {
    while (next < count) await copy(site, { machine, node, number: next++ }, signal);
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  await scale(site, machineSet, { count, signal });
  // Counts of the set and the deployment are written once.
  const settling = await site.startController();
  await idleSince(settling.pid, signal);
  await sleep(CALM_MS, undefined, { signal });
  await settling.stop();
}

async function copy(
  { client, cloud }: FleetSite,
  { machine, node, number }: { machine: Machine; node: Node; number: number },
  signal: AbortSignal,
): Promise<void> {
  const name = `${machine.metadata.name}-${number}`;
  const { labels, ownerReferences, finalizers, namespace } = machine.metadata;
  const bare = { name, namespace, labels, ownerReferences, finalizers } as Machine["metadata"];
  const created = await client.create(machines, { ...machine, metadata: bare }, { signal });
  const { uid = "" } = created.metadata;
  const server = await createServer(cloud.url, { name, uid }, signal);
  const address = server.public_net.ipv4?.ip ?? "";
  const providerID = providerIdOf("hetzner", uid);
  const joined = await createNode({ client, node, name, uid, address, providerID }, signal);

  const intent = JSON.parse(machine.metadata.annotations?.[ANNOTATION_CREATE_INTENT] ?? "{}") as object;
  const record = JSON.parse(machine.metadata.annotations?.[ANNOTATION_INSTANCE] ?? "{}") as object;
  const annotations = {
    ...machine.metadata.annotations,
    [ANNOTATION_CREATE_INTENT]: JSON.stringify({ ...intent, token: uid }),
    [ANNOTATION_INSTANCE]: JSON.stringify({ ...record, id: String(server.id) }),
  };
  const status = {
    ...machine.status,
    addresses: machine.status?.addresses?.map((entry) => (entry.type === "ExternalIP" ? { ...entry, address } : entry)),
    nodeRef: { ...machine.status?.nodeRef, name, uid: joined.metadata.uid },
  };
  const body = { metadata: { annotations }, spec: { providerID }, status };
  await client.patch(machines, { namespace: NAMESPACE, name }, { type: "merge", body }, { signal });
}

async function createNode(
  {
    client,
    node,
    name,
    uid,
    address,
    providerID,
  }: Pick<FleetSite, "client"> & { node: Node; name: string; uid: string; address: string; providerID: string },
  signal: AbortSignal,
): Promise<Node> {
  const metadata: KubeObject["metadata"] = {
    name,
    labels: { ...node.metadata.labels, "kubernetes.io/hostname": name, [LABEL_NODE_OWNER]: uid },
    annotations: { ...node.metadata.annotations, "cluster.k8s.io/machine": `${NAMESPACE}/${name}` },
  };
  const addresses = [
    { type: "InternalIP", address },
    { type: "Hostname", address: name },
  ];
  const spec = { ...node.spec, providerID };
  return client.create(
    coreResources.nodes,
    { ...node, metadata, spec, status: { ...node.status, addresses } },
    { signal },
  );
}

async function createServer(
  url: string,
  { name, uid }: { name: string; uid: string },
  signal: AbortSignal,
): Promise<Server> {
  const response = await fetch(`${url}/v1/servers`, {
    method: "POST",
    headers: { authorization: `Bearer ${SEED_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({
      name,
      server_type: "cx23",
      image: "ubuntu-24.04",
      location: "nbg1",
      labels: { "machine-uid": uid },
    }),
    signal,
  });
  if (response.status !== 201) throw new Error(`creating server ${name}: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { server: Server }).server;
}

/** The MachineSet first: as many Machines as it wants are there already. */
async function scale(
  { client }: FleetSite,
  machineSet: MachineSet,
  { count, signal }: { count: number; signal: AbortSignal },
): Promise<void> {
  const setRef = { namespace: NAMESPACE, name: machineSet.metadata.name ?? "" };
  const patch = { type: "merge", body: { spec: { replicas: count } } } as const;
  await client.patch(machineSets, setRef, patch, { signal });
  await client.patch(machineDeployments, { namespace: NAMESPACE, name: FLEET }, patch, { signal });
}
