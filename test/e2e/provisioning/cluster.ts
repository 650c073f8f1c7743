// What the suite reads of a cluster: the Machines of a MachineDeployment, their Nodes, and what was said about them.
import type { Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import { LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import { machineDeployments, machines, machineSets } from "@machine-controller/controllers";
import {
  coreResources,
  type Event,
  isKubeError,
  type KubeClient,
  type KubeObject,
  type Node,
  type Resource,
} from "@machine-controller/kube-client";
import { NAMESPACE } from "./manifest.ts";

export type Cluster = {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
};

export async function deploymentNamed(
  { client, signal }: Cluster,
  name: string,
): Promise<MachineDeployment | undefined> {
  return client.get(machineDeployments, { namespace: NAMESPACE, name }, { signal }).catch(notFound);
}

/** Those that the MachineDeployment controls, by UID. */
export async function machineSetsOf({ client, signal }: Cluster, deployment: KubeObject): Promise<MachineSet[]> {
  const { items } = await client.listAll(machineSets, { namespace: NAMESPACE, signal });
  return items.filter((set) => isControlledBy(set, deployment));
}

/** Those of all its MachineSets, or of one MachineSet. */
export async function machinesOf(cluster: Cluster, owner: MachineDeployment | MachineSet): Promise<Machine[]> {
  const sets = owner.kind === "MachineSet" ? [owner] : await machineSetsOf(cluster, owner);
  const { items } = await cluster.client.listAll(machines, { namespace: NAMESPACE, signal: cluster.signal });
  return items.filter((machine) => sets.some((set) => isControlledBy(machine, set)));
}

/** Those whose label `name` says so: also after their owners are gone. */
export async function machinesLabelled({ client, signal }: Cluster, deployment: string): Promise<Machine[]> {
  return (await client.listAll(machines, { namespace: NAMESPACE, labelSelector: `name=${deployment}`, signal })).items;
}

export async function nodeOf({ client, signal }: Cluster, machine: Machine): Promise<Node | undefined> {
  const labelSelector = `${LABEL_NODE_OWNER}=${machine.metadata.uid}`;
  return (await client.listAll(coreResources.nodes, { labelSelector, signal })).items[0];
}

/** Names of Nodes that look like those of a MachineDeployment. */
export async function nodeNamesLike({ client, signal }: Cluster, deployment: string): Promise<string[]> {
  const { items } = await client.listAll(coreResources.nodes, { signal });
  return items.map(({ metadata }) => metadata.name ?? "").filter((name) => name.startsWith(`${deployment}-`));
}

export async function eventsOf({ client, signal }: Cluster, object: KubeObject): Promise<Event[]> {
  const { items } = await client.listAll(coreResources.events, { namespace: NAMESPACE, signal });
  return items.filter(({ involvedObject }) => involvedObject.uid === object.metadata.uid);
}

/** False where it is gone already. */
export async function remove({ client, signal }: Cluster, resource: Resource, object: KubeObject): Promise<boolean> {
  const { name = "", namespace } = object.metadata;
  const deletion = client.delete(resource, { name, ...(namespace && { namespace }) }, { signal });
  return deletion.then(() => true, notFound).then(Boolean);
}

function isControlledBy({ metadata }: KubeObject, owner: KubeObject): boolean {
  return (metadata.ownerReferences ?? []).some(({ controller, uid }) => controller && uid === owner.metadata.uid);
}

function notFound(error: unknown): undefined {
  if (!isKubeError(error, "NotFound")) throw error;
}
