// What the cluster-autoscaler's provider `clusterapi` asks of an API server, call for call, with CAPI_GROUP=cluster.k8s.io.
// The autoscaler itself is not to be had from a package registry; this follows its documented behaviour.
import type { Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import { ANNOTATION_DELETE_MACHINE, ANNOTATION_NODE_MACHINE, GROUP } from "@machine-controller/api/well-known";
import { machineDeployments, machines, machineSets } from "@machine-controller/controllers";
import { coreResources, type KubeClient, type KubeObject, type Node } from "@machine-controller/kube-client";

export type NodeGroup = {
  /** As the autoscaler names it: `MachineDeployment/<namespace>/<name>`. */
  id: string;
  minSize: number;
  maxSize: number;
  /** Whether a Node to come can be imagined while there is none. */
  canScaleFromZero: boolean;
  deployment: MachineDeployment;
};

type Call = { signal: AbortSignal };
type Scale = KubeObject & { spec: { replicas?: number }; status: { replicas: number; selector?: string } };

const MIN_SIZE = `${GROUP}/cluster-api-autoscaler-node-group-min-size`;
const MAX_SIZE = `${GROUP}/cluster-api-autoscaler-node-group-max-size`;
const CPU = "capacity.cluster-autoscaler.kubernetes.io/cpu";
const MEMORY = "capacity.cluster-autoscaler.kubernetes.io/memory";

export function createClusterAutoscaler(client: KubeClient) {
  /** The group's preferred version, and the resources in it, as discovery has them. */
  async function discover({ signal }: Call): Promise<{ version: string; resources: string[] }> {
    const groups = (await (await client.request("/apis", { signal })).json()) as {
      groups: { name: string; preferredVersion: { version: string } }[];
    };
    const version = groups.groups.find(({ name }) => name === GROUP)?.preferredVersion.version ?? "";
    const list = (await (await client.request(`/apis/${GROUP}/${version}`, { signal })).json()) as {
      resources: { name: string }[];
    };
    return { version, resources: list.resources.map(({ name }) => name) };
  }

  /** Those with room between their bounds; a MachineSet counts only where no MachineDeployment owns it. */
  async function nodeGroups({ signal }: Call): Promise<NodeGroup[]> {
    const { items } = await client.listAll(machineDeployments, { signal });
    return items.flatMap((deployment) => {
      const { namespace, name, annotations = {} } = deployment.metadata;
      const [minSize, maxSize] = [annotations[MIN_SIZE], annotations[MAX_SIZE]].map((bound) => Number(bound ?? 0));
      if (minSize === undefined || maxSize === undefined || maxSize - minSize <= 0) return [];
      const canScaleFromZero = Boolean(annotations[CPU] && annotations[MEMORY]);
      return [{ id: `MachineDeployment/${namespace}/${name}`, minSize, maxSize, canScaleFromZero, deployment }];
    });
  }

  /** Provider IDs of a group's Machines, by owner references; a Machine without one is told by its name. */
  async function instancesOf({ deployment }: NodeGroup, { signal }: Call): Promise<string[]> {
    const sets = (await client.listAll(machineSets, { signal })).items.filter((set) => isOwnedBy(set, deployment));
    const { items } = await client.listAll(machines, { signal });
    return items
      .filter((machine) => sets.some((set) => isOwnedBy(machine, set)))
      .map(({ spec, status, metadata }) => {
        if (status?.phase === "Failed") return `failed-machine-${metadata.namespace}_${metadata.name}`;
        return spec.providerID ?? `pending-machine-${metadata.namespace}_${metadata.name}`;
      });
  }

  async function groupOf(node: Node, call: Call): Promise<NodeGroup | undefined> {
    const machine = await machineOf(node, call);
    const set = machine && (await ownerOf<MachineSet>(machine, "MachineSet", call));
    const deployment = set && (await ownerOf<MachineDeployment>(set, "MachineDeployment", call));
    return (await nodeGroups(call)).find((group) => group.deployment.metadata.uid === deployment?.metadata.uid);
  }

  /** By the end of the provider ID; else by the Node's annotation. */
  async function machineOf(node: Node, { signal }: Call): Promise<Machine | undefined> {
    const { items } = await client.listAll(machines, { signal });
    const id = lastPart(node.spec?.providerID ?? "");
    const byId = items.find(({ spec }) => id !== "" && lastPart(spec.providerID ?? "") === id);
    const named = node.metadata.annotations?.[ANNOTATION_NODE_MACHINE];
    return byId ?? items.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === named);
  }

  async function ownerOf<T extends MachineSet | MachineDeployment>(
    object: KubeObject,
    kind: T["kind"],
    { signal }: Call,
  ): Promise<T | undefined> {
    const resource = kind === "MachineSet" ? machineSets : machineDeployments;
    const { items } = await client.listAll<KubeObject>(resource, { signal });
    return items.find((owner) => isOwnedBy(object, owner)) as T | undefined;
  }

  async function sizeOf({ deployment }: NodeGroup, { signal }: Call): Promise<number> {
    const path = `/apis/${GROUP}/v1alpha1/namespaces/${deployment.metadata.namespace}/machinedeployments`;
    const response = await client.request(`${path}/${deployment.metadata.name}/scale`, { signal });
    return ((await response.json()) as Scale).spec.replicas ?? 0;
  }

  async function setSize({ deployment }: NodeGroup, replicas: number, { signal }: Call): Promise<void> {
    const ref = { namespace: deployment.metadata.namespace ?? "", name: deployment.metadata.name ?? "" };
    const patch = { type: "merge", body: { spec: { replicas } } } as const;
    await client.patch(machineDeployments, ref, patch, { subresource: "scale", signal });
  }

  /** Marks each Machine, by a read and a whole write of it, and lowers the size by one for each. */
  async function deleteNodes(group: NodeGroup, nodes: readonly Node[], call: Call): Promise<void> {
    let size = await sizeOf(group, call);
    if (size - nodes.length < group.minSize) throw new Error(`${group.id} would be smaller than ${group.minSize}`);
    for (const node of nodes) {
      const machine = await machineOf(node, call);
      if (machine === undefined) throw new Error(`unknown machine for node ${node.metadata.name}`);
      const ref = { namespace: machine.metadata.namespace ?? "", name: machine.metadata.name ?? "" };
      const current = await client.get(machines, ref, call);
      const annotations = { ...current.metadata.annotations, [ANNOTATION_DELETE_MACHINE]: new Date().toISOString() };
      await client.update(machines, { ...current, metadata: { ...current.metadata, annotations } }, call);
      size -= 1;
      await setSize(group, size, call);
    }
  }

  const nodes = async ({ signal }: Call): Promise<Node[]> =>
    (await client.listAll(coreResources.nodes, { signal })).items;
  return { discover, nodeGroups, instancesOf, groupOf, sizeOf, setSize, deleteNodes, nodes };
}

const isOwnedBy = ({ metadata }: KubeObject, owner: KubeObject): boolean =>
  metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false;

const lastPart = (providerId: string): string => providerId.split("/").at(-1) ?? "";
