/**
 * The writes of a Machine's life up to Ready, its Node's among them, as the controller and a kubelet made them for the first
 * Machine, by nobody who thinks: as many as the API server takes, beside whoever watches. What the controller could do
 * without is not among them: Events, and the counts of sets and deployments.
 */
import type { Machine } from "@machine-controller/api";
import { ANNOTATION_CREATE_INTENT, ANNOTATION_INSTANCE } from "@machine-controller/api/well-known";
import { machines } from "@machine-controller/controllers";
import { coreResources, type KubeClient, type KubeObject, type Node } from "@machine-controller/kube-client";
import { type MachineUsage, watchMachine } from "../machine-usage.ts";
import type { First } from "./first.ts";
import { joinNode } from "./join-node.ts";
import { NAMESPACE } from "./manifests.ts";
import type { FleetSite } from "./site.ts";

const { nodes, secrets } = coreResources;
const WRITERS = 32;
const WARM_UP_LIVES = 64;
/** Numbers in names make the copies longer. */
const ALIKE = 0.05;

/** Lives a second, and what that took of the machine. */
export type Replayed = { perSecond: number; usage: MachineUsage };

/**
 * As many as the fleet is to have Machines, since a life costs the API server more the more there are. Leaves nothing behind.
 * @throws when what comes of a replay is not as large as the first Machine and its Node.
 */
export async function measureReplay(
  site: FleetSite,
  first: First,
  { lives, signal }: { lives: number; signal: AbortSignal },
): Promise<Replayed> {
  const { client } = site;
  const kubelet = await site.connect("kubelet");
  let count = 0;
  const lead = async (most: number): Promise<number> => {
    const end = count + most;
    const startedAt = performance.now();
    const live = async (): Promise<void> => {
      while (count < end) await replay({ client, kubelet }, { first, name: nameOf(count++), signal });
    };
    await Promise.all(Array.from({ length: WRITERS }, live));
    return (1_000 * most) / (performance.now() - startedAt);
  };
  const nameOf = (number: number): string => `${first.machine.metadata.name}-${number}`;
  await lead(WARM_UP_LIVES);
  const machine = watchMachine();
  const perSecond = await lead(lives);
  const usage = machine();
  assertAlike(first.machine, await client.get(machines, { namespace: NAMESPACE, name: nameOf(0) }, { signal }));
  assertAlike(first.node, await client.get(nodes, { name: nameOf(0) }, { signal }));
  await remove(client, Array.from({ length: count }, (_, number) => nameOf(number)).values(), signal);
  return { perSecond, usage };
}

async function replay(
  { client, kubelet }: { client: KubeClient; kubelet: KubeClient },
  { first, name, signal }: { first: First; name: string; signal: AbortSignal },
): Promise<void> {
  const about = { name, namespace: NAMESPACE };
  const { labels = {}, ownerReferences = [] } = first.machine.metadata;
  const { providerID, ...spec } = first.machine.spec;
  const { apiVersion, kind } = first.machine;
  const bare = { apiVersion, kind, metadata: { ...about, labels, ownerReferences }, spec };
  let written = await client.create(machines, bare, { signal });
  const patch = async (body: { metadata: object; [field: string]: unknown }): Promise<void> => {
    const { resourceVersion } = written.metadata;
    const guarded = { ...body, metadata: { ...body.metadata, resourceVersion } };
    written = await client.patch(machines, about, { type: "merge", body: guarded }, { signal });
  };
  const { uid = "" } = written.metadata;
  const { machine, node } = copyFor(first, { name, uid });
  const { annotations = {}, finalizers } = machine.metadata;
  const { addresses, nodeRef, versions, ...status } = machine.status ?? {};

  await client.create(secrets, { ...first.secret, metadata: about }, { signal });
  const { [ANNOTATION_CREATE_INTENT]: intent, [ANNOTATION_INSTANCE]: record, ...others } = annotations;
  await patch({ metadata: { annotations: { [ANNOTATION_CREATE_INTENT]: intent }, finalizers }, status });
  const recorded = { annotations: { [ANNOTATION_INSTANCE]: record } };
  await patch({ metadata: recorded, spec: { providerID: machine.spec.providerID }, status: { ...status, addresses } });
  const [{ address: ip } = { address: "" }] = node.status?.addresses ?? [];
  await joinNode(kubelet, { id: 1, name, labels: { "machine-uid": uid }, public_net: { ipv4: { ip } } }, signal);
  const metadata = { labels: node.metadata.labels, annotations: node.metadata.annotations };
  const joined = await client.patch(nodes, { name }, { type: "merge", body: { metadata } }, { signal });
  const joinedRef = { ...nodeRef, uid: joined.metadata.uid };
  await patch({ metadata: { annotations: others }, status: { ...status, nodeRef: joinedRef, versions } });
}

/** The first Machine and its Node under another name and UID, wherever they say them. */
function copyFor(
  { machine, node }: First,
  { name, uid }: { name: string; uid: string },
): { machine: Machine; node: Node } {
  const { name: firstName = "", uid: firstUid = "" } = machine.metadata;
  const text = JSON.stringify({ machine, node }).replaceAll(firstName, name).replaceAll(firstUid, uid);
  return JSON.parse(text) as { machine: Machine; node: Node };
}

function assertAlike(model: KubeObject, copy: KubeObject): void {
  const [wanted, found] = [model, copy].map((object) => JSON.stringify(object).length) as [number, number];
  if (Math.abs(found / wanted - 1) > ALIKE)
    throw new Error(
      `a replayed ${copy.kind} has ${found} bytes, and the first one ${wanted}: the replay is out of date`,
    );
}

async function remove(client: KubeClient, names: Iterable<string>, signal: AbortSignal): Promise<void> {
  const withoutFinalizers = { type: "merge", body: { metadata: { finalizers: null } } } as const;
  const next = async (): Promise<void> => {
    for (const name of names) {
      const about = { name, namespace: NAMESPACE };
      await client.patch(machines, about, withoutFinalizers, { signal });
      await client.delete(machines, about, { signal });
      await client.delete(secrets, about, { signal });
      await client.delete(nodes, { name }, { signal });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, next));
}
