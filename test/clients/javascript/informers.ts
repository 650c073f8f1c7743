// Informers of the JavaScript client, held against lists. Our own client writes: theirs makes a connection for each request.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CoreV1Api,
  CustomObjectsApi,
  makeInformer,
  type Informer,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  type ObjectCache,
} from "@kubernetes/client-node";
import { connectKubeconfig, coreResources, defineResource, type KubeObject } from "@machine-controller/kube-client";

const OBJECTS = 3_000;
const MACHINE_COUNT = 300;
const PARALLEL = 16;
const NAMESPACE = "thousands";
const PATIENCE_MS = 60_000;
const MACHINES = defineResource<KubeObject & { spec: object }>({
  group: "cluster.k8s.io",
  version: "v1alpha1",
  kind: "Machine",
  plural: "machines",
  namespaced: true,
});

type Followed = Informer<KubernetesObject> & ObjectCache<KubernetesObject>;
type List = () => Promise<KubernetesListObject<KubernetesObject>>;

/**
 * Two informers follow ConfigMaps and Machines that are created, changed and deleted, some of them while the server dies
 * and comes back. Both must end with the names and versions that a list has, and each must have told of every object once.
 */
export async function followThousands(options: {
  t: TestContext;
  config: KubeConfig;
  kubeconfig: string;
  restart: () => Promise<void>;
}): Promise<void> {
  const { t, config, kubeconfig, restart } = options;
  const { client, close } = await connectKubeconfig({ kubeconfig });
  t.after(close);
  const { signal } = new AbortController();
  const namespace = NAMESPACE;
  await client.create(
    coreResources.namespaces,
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    { signal },
  );
  const map = (index: number, turn: string) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace, name: `m${index}` },
    data: { turn },
  });
  await inParallel(OBJECTS, (index) => client.create(coreResources.configMaps, map(index, "0"), { signal }));

  const core = config.makeApiClient(CoreV1Api);
  const custom = config.makeApiClient(CustomObjectsApi);
  const listMaps: List = () => core.listNamespacedConfigMap({ namespace });
  const listMachines: List = () =>
    custom.listNamespacedCustomObject({ ...MACHINES, namespace }) as Promise<KubernetesListObject<KubernetesObject>>;
  const maps = follow(t, makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, listMaps));
  const machines = follow(
    t,
    makeInformer(config, `/apis/cluster.k8s.io/v1alpha1/namespaces/${namespace}/machines`, listMachines),
  );
  await Promise.all([maps.informer.start(), machines.informer.start()]);

  const change = async (index: number): Promise<unknown> => {
    const ref = { namespace, name: `m${index}` };
    if (index % 3 === 0) return client.delete(coreResources.configMaps, ref, { signal });
    const body = { data: { turn: "1" } };
    return index % 3 === 1 && client.patch(coreResources.configMaps, ref, { type: "merge", body }, { signal });
  };
  await Promise.all([
    inParallel(MACHINE_COUNT, (index) => client.create(MACHINES, machine(index), { signal })),
    inParallel(OBJECTS / 2, change),
  ]);
  await agree("before the restart", { maps, machines, listMaps, listMachines });

  await restart();
  await inParallel(OBJECTS / 2, (index) => change(OBJECTS / 2 + index));
  await inParallel(MACHINE_COUNT / 2, (index) =>
    client.delete(MACHINES, { namespace, name: `machine-${index}` }, { signal }),
  );
  await agree("after the restart", { maps, machines, listMaps, listMachines });
  t.diagnostic(`${maps.connections()} connections, ${maps.informer.list().length} ConfigMaps in the end`);
  assert.ok(maps.connections() > 1, "the restart ended the first watch");
  const gone = [...maps.told.values()].filter((count) => count === 0).length;
  assert.equal(gone, OBJECTS / 3, "each deletion was told of");
  assert.deepEqual([maps.problems, machines.problems], [[], []]);
}

function machine(index: number) {
  return {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: { namespace: NAMESPACE, name: `machine-${index}` },
    spec: { providerSpec: { value: {} }, versions: { kubelet: "1.33.0" } },
  };
}

/** Starts anew after errors, as the client's own documentation asks of its users. */
function follow(t: TestContext, informer: Followed) {
  let connections = 0;
  const problems: string[] = [];
  /** Name → 1 while it is there, 0 when it is gone. */
  const told = new Map<string, number>();
  const tell = (type: string, before: number, after: number) => (object: KubernetesObject) => {
    const name = object.metadata?.name ?? "";
    if ((told.get(name) ?? 0) !== before) problems.push(`${type} ${name} does not fit what was told before`);
    told.set(name, after);
  };
  informer.on("add", tell("add", 0, 1));
  informer.on("update", tell("update", 1, 1));
  informer.on("delete", tell("delete", 1, 0));
  informer.on("connect", () => (connections += 1));
  let isOver = false;
  informer.on("error", () => {
    if (!isOver) setTimeout(() => void informer.start(), 50);
  });
  t.after(async () => {
    isOver = true;
    await informer.stop();
  });
  return { informer, told, problems, connections: () => connections };
}

type Follower = ReturnType<typeof follow>;

async function agree(
  when: string,
  followed: { maps: Follower; machines: Follower; listMaps: List; listMachines: List },
): Promise<void> {
  const { maps, machines, listMaps, listMachines } = followed;
  for (const [follower, list] of [
    [maps, listMaps],
    [machines, listMachines],
  ] as const) {
    const expected = versionsOf((await list()).items);
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline && !isSame(versionsOf(follower.informer.list()), expected)) await sleep(200);
    assert.deepEqual(versionsOf(follower.informer.list()), expected, when);
  }
}

function versionsOf(objects: readonly KubernetesObject[]): Record<string, string | undefined> {
  const entries = objects.map(({ metadata }) => [metadata?.name, metadata?.resourceVersion] as [string, string]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isSame(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

async function inParallel(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}
