/** As much of an API server as controllers notice, below the client's verbs: versions, finalizers, merge patches, watches. */
import {
  type DeleteOptions,
  type KubeClient,
  KubeError,
  type KubeErrorCode,
  type KubeObject,
  type ListOptions,
  type ObjectRef,
  type Patch,
  type Resource,
  type WatchEvent,
  type WatchOptions,
} from "@machine-controller/kube-client";
import { isDeepStrictEqual } from "node:util";
import type { Faults } from "./faults.ts";

type Fields = Record<string, unknown>;
type Logged = { plural: string; version: number; event: WatchEvent };

export type FakeCluster = {
  /** A client of one process; once it is not `alive` any more its calls never settle. */
  connect(process: { faults: Faults; alive: () => boolean }): KubeClient;
  get<T extends KubeObject>(resource: Resource<T>, name: string): T | undefined;
  list<T extends KubeObject>(resource: Resource<T>): T[];
  /** Creates, or merges into what is there, behind the back of the code under test. */
  put<T extends KubeObject>(resource: Resource<T>, object: object): T;
  remove(resource: Resource, name: string): void;
  /** Keeps watch events of a kind back until they are released. */
  hold(resource: Resource): void;
  release(resource: Resource): void;
  /** Drops the events that are kept back, as a list after a broken watch does with what came and went meanwhile. */
  forget(resource: Resource): void;
  /** While set, lists of that kind fail with it. */
  readonly refusals: Map<string, KubeError>;
  /** Patches that changed nothing: each is a write too many. */
  readonly noops: string[];
};

const NAMESPACE = "kube-system";
/** Kinds that no informer watches: a list of them is a call like any other. */
const ON_DEMAND: ReadonlySet<string> = new Set(["pods", "volumeattachments"]);

export function createFakeCluster(clock: { now(): number }): FakeCluster {
  const objects = new Map<string, KubeObject>();
  const log: Logged[] = [];
  const watchers = new Set<() => void>();
  /** Kind → length of the log when its events were first kept back. */
  const held = new Map<string, number>();
  const noops: string[] = [];
  const refusals = new Map<string, KubeError>();
  let version = 100;
  let uids = 0;

  const keyOf = (resource: Resource, { namespace, name }: ObjectRef): string =>
    `${resource.plural}/${resource.namespaced ? (namespace ?? NAMESPACE) : ""}/${name}`;
  const now = (): string => new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z");

  function store(resource: Resource, type: "ADDED" | "MODIFIED" | "DELETED", object: KubeObject): KubeObject {
    version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const key = keyOf(resource, { namespace: stored.metadata.namespace ?? "", name: stored.metadata.name ?? "" });
    if (type === "DELETED") objects.delete(key);
    else objects.set(key, stored);
    log.push({ plural: resource.plural, version, event: { type, object: stored } });
    for (const wake of watchers) wake();
    return stored;
  }

  function mustGet(resource: Resource, ref: ObjectRef): KubeObject {
    const found = objects.get(keyOf(resource, ref));
    if (found === undefined) throw fail("NotFound", `${resource.plural} ${ref.name}`);
    return found;
  }

  function create(resource: Resource, object: KubeObject): KubeObject {
    const { name = "", namespace } = object.metadata;
    if (objects.has(keyOf(resource, { namespace: namespace ?? "", name }))) throw fail("AlreadyExists", name);
    const uid = object.metadata.uid ?? `uid-${(uids += 1)}`;
    return store(resource, "ADDED", {
      ...structuredClone(object),
      metadata: { generation: 1, creationTimestamp: now(), ...object.metadata, uid },
    });
  }

  function patch(resource: Resource, ref: ObjectRef, { body, status }: { body: Fields; status: boolean }): KubeObject {
    const old = mustGet(resource, ref);
    const { resourceVersion, uid } = (body["metadata"] ?? {}) as KubeObject["metadata"];
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion)
      throw fail("Conflict", ref.name);
    if (uid !== undefined && uid !== old.metadata.uid) throw fail("Conflict", ref.name);
    const isSplit = resource.plural === "machinesets" || resource.plural === "machinedeployments";
    const { status: newStatus, ...rest } = body;
    const visible = status ? { status: newStatus } : isSplit ? rest : body;
    const merged = merge(old, visible) as KubeObject;
    if (isDeepStrictEqual(merged, old)) {
      noops.push(`${resource.plural} ${ref.name} ${JSON.stringify(visible)}`);
      return old;
    }
    const changed = !isDeepStrictEqual((merged as { spec?: unknown }).spec, (old as { spec?: unknown }).spec);
    const generation = (old.metadata.generation ?? 1) + (changed ? 1 : 0);
    const object = { ...merged, metadata: { ...merged.metadata, generation } };
    const gone = object.metadata.deletionTimestamp !== undefined && !object.metadata.finalizers?.length;
    const stored = store(resource, gone ? "DELETED" : "MODIFIED", object);
    // Removing the last finalizer is answered with the version that the object had, and shows as a deletion only.
    return gone
      ? { ...stored, metadata: { ...stored.metadata, resourceVersion: old.metadata.resourceVersion ?? "" } }
      : stored;
  }

  function remove(resource: Resource, ref: ObjectRef, uid?: string): void {
    const old = mustGet(resource, ref);
    if (uid !== undefined && uid !== old.metadata.uid) throw fail("Conflict", ref.name);
    if (!old.metadata.finalizers?.length) store(resource, "DELETED", old);
    else if (old.metadata.deletionTimestamp === undefined)
      store(resource, "MODIFIED", { ...old, metadata: { ...old.metadata, deletionTimestamp: now() } });
  }

  const list = (resource: Resource): KubeObject[] =>
    [...objects].filter(([key]) => key.startsWith(`${resource.plural}/`)).map(([, object]) => object);

  async function* watch(resource: Resource, from: number, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    let at = log.findIndex(({ version }) => version > from);
    if (at < 0) at = log.length;
    while (!signal.aborted) {
      const next = held.has(resource.plural) ? undefined : log[at];
      if (next === undefined) await more(signal);
      else {
        at += 1;
        if (next.plural === resource.plural) yield next.event;
      }
    }
  }
  function more(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => {
      watchers.delete(wake);
      resolve();
    };
    watchers.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    return promise;
  }

  return {
    noops,
    refusals,
    connect({ faults, alive }) {
      const pass = <T>(verb: string, { plural }: Resource, effect: () => T): Promise<T> =>
        alive()
          ? faults.pass({
              name: `${verb} ${plural}`,
              effect,
              lost: () => fail("Unreachable", "no answer"),
              ...(["patch", "delete"].includes(verb) && { conflict: () => fail("Conflict", "it has changed") }),
            })
          : new Promise(() => {});
      const client: Partial<Record<keyof KubeClient, unknown>> = {
        get: (resource: Resource, ref: ObjectRef) => pass("get", resource, () => mustGet(resource, ref)),
        create: (resource: Resource, object: KubeObject) => pass("create", resource, () => create(resource, object)),
        // oxlint-disable-next-line max-params -- the client's own signature
        patch: (resource: Resource, ref: ObjectRef, { body }: Patch, { subresource }: { subresource?: string }) =>
          pass("patch", resource, () =>
            patch(resource, ref, { body: structuredClone(body) as Fields, status: subresource === "status" }),
          ),
        delete: (resource: Resource, ref: ObjectRef, { preconditions }: DeleteOptions) =>
          pass("delete", resource, () => remove(resource, ref, preconditions?.uid)),
        listAll: async (resource: Resource, { fieldSelector }: ListOptions) => {
          if (ON_DEMAND.has(resource.plural)) await pass("list", resource, () => undefined);
          const refusal = refusals.get(resource.plural);
          if (refusal !== undefined) throw refusal;
          const [, node] = fieldSelector?.split("spec.nodeName=") ?? [];
          const onNode = (object: KubeObject): boolean =>
            node === undefined || (object as { spec?: { nodeName?: string } }).spec?.nodeName === node;
          return { items: list(resource).filter(onNode), resourceVersion: String(version) };
        },
        watch: (resource: Resource, { resourceVersion, signal }: WatchOptions) =>
          watch(resource, Number(resourceVersion), signal),
        // oxlint-disable-next-line max-params -- the client's own signature
        createSubresource: (resource: Resource, ref: ObjectRef, subresource: string) =>
          pass(subresource, resource, () => {
            const budget = mustGet(resource, ref).metadata.annotations?.["budget"];
            if (budget === "forbidden") throw fail("Forbidden", "pods/eviction is forbidden");
            if (budget !== undefined) {
              const message = `The disruption budget ${budget} needs 2 healthy pods and has 2 currently`;
              const details = { causes: [{ reason: "DisruptionBudget", message }] };
              throw new KubeError("TooManyRequests", "Cannot evict pod.", { details });
            }
            remove(resource, ref);
          }),
      };
      // The verbs that controllers use; each stores any kind, and gives back what it was given.
      return client as KubeClient;
    },
    get: (resource, name) => objects.get(keyOf(resource, { namespace: NAMESPACE, name })) as never,
    list: (resource) => list(resource) as never,
    put(resource, object) {
      const given = object as KubeObject;
      const metadata = { ...(resource.namespaced && { namespace: NAMESPACE }), ...given.metadata };
      const full: KubeObject = { ...given, metadata };
      const old = objects.get(keyOf(resource, { namespace: metadata.namespace ?? "", name: metadata.name ?? "" }));
      if (old === undefined) return create(resource, full) as never;
      return patch(resource, metadata as ObjectRef, { body: given, status: false }) as never;
    },
    remove: (resource, name) => remove(resource, { namespace: NAMESPACE, name }),
    hold: ({ plural }) => void held.set(plural, log.length),
    forget({ plural }) {
      for (const entry of log.slice(held.get(plural))) if (entry.plural === plural) entry.plural = "";
    },
    release({ plural }) {
      held.delete(plural);
      for (const wake of watchers) wake();
    },
  };
}

const fail = (code: KubeErrorCode, message: string): KubeError => new KubeError(code, message);

/** RFC 7396. */
function merge(target: unknown, body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const result: Fields = { ...(typeof target === "object" && !Array.isArray(target) ? (target as Fields) : {}) };
  for (const [key, value] of Object.entries(body)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}
