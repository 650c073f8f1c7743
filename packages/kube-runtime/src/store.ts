// What an informer knows, readable by key, UID, namespace and index. Objects are shared: treat them as frozen.
import type { KubeObject } from "@machine-controller/kube-client";

export type Store<T extends KubeObject> = {
  get(namespace: string | undefined, name: string): T | undefined;
  /** `key` as `keyOf` makes it. */
  getByKey(key: string): T | undefined;
  list(namespace?: string): T[];
  /** All objects for which the named index yields `value`. The array is shared until the next change. */
  byIndex(index: string, value: string): readonly T[];
  byUid(uid: string): T | undefined;
  readonly size: number;
};

export type WritableStore<T extends KubeObject> = Store<T> & {
  set(object: T): void;
  delete(key: string): void;
  keys(): Iterable<string>;
};

export type IndexFunctions<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function keyOf(object: KubeObject): string {
  return toKey(object.metadata.namespace, object.metadata.name ?? "");
}

export function toKey(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

export function fromKey(key: string): { namespace?: string; name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function createStore<T extends KubeObject>(indexes: IndexFunctions<T> = {}): WritableStore<T> {
  const byKey = new Map<string, T>();
  const keyByUid = new Map<string, string>();
  const byNamespace = createIndex<T>((object) => [object.metadata.namespace ?? ""]);
  const named = new Map(Object.entries(indexes).map(([name, values]) => [name, createIndex(values)]));
  const all = [byNamespace, ...named.values()];

  function remove(key: string): void {
    const old = byKey.get(key);
    if (old === undefined) return;
    byKey.delete(key);
    if (old.metadata.uid !== undefined) keyByUid.delete(old.metadata.uid);
    for (const index of all) index.change(key, old, undefined);
  }

  return {
    get: (namespace, name) => byKey.get(toKey(namespace, name)),
    getByKey: (key) => byKey.get(key),
    list: (namespace) => (namespace === undefined ? [...byKey.values()] : [...byNamespace.read(namespace)]),
    byIndex(name, value) {
      const index = named.get(name);
      if (index === undefined) throw new TypeError(`there is no index ${name}`);
      return index.read(value);
    },
    byUid(uid) {
      const key = keyByUid.get(uid);
      return key === undefined ? undefined : byKey.get(key);
    },
    get size() {
      return byKey.size;
    },
    set(object) {
      const key = keyOf(object);
      const old = byKey.get(key);
      if (old?.metadata.uid !== undefined && old.metadata.uid !== object.metadata.uid)
        keyByUid.delete(old.metadata.uid);
      byKey.set(key, object);
      if (object.metadata.uid !== undefined) keyByUid.set(object.metadata.uid, key);
      for (const index of all) index.change(key, old, object);
    },
    delete: remove,
    keys: () => byKey.keys(),
  };
}

/** Most values of most indexes have one object: then it is an array of that one. */
type Bucket<T> = readonly [T] | { objects: Map<string, T>; array: readonly T[] | undefined };

/** Buckets of objects by value. A bucket's array is made on the first read after a change. */
function createIndex<T extends KubeObject>(
  valuesOf: (object: T) => readonly string[],
): {
  /** `old` is what was there under the key. */
  change(key: string, old: T | undefined, object: T | undefined): void;
  read(value: string): readonly T[];
} {
  const buckets = new Map<string, Bucket<T>>();

  function enter(key: string, value: string, object: T): void {
    const bucket = buckets.get(value);
    if (bucket === undefined) return void buckets.set(value, [object]);
    if (!("objects" in bucket)) {
      const [only] = bucket;
      const objects = new Map([[keyOf(only), only]]);
      buckets.set(value, objects.has(key) ? [object] : { objects: objects.set(key, object), array: undefined });
      return;
    }
    bucket.objects.set(key, object);
    bucket.array = undefined;
  }

  function leave(key: string, value: string): void {
    const bucket = buckets.get(value);
    if (bucket === undefined) return;
    if (!("objects" in bucket)) return void buckets.delete(value);
    bucket.objects.delete(key);
    bucket.array = undefined;
    if (bucket.objects.size === 0) buckets.delete(value);
  }

  return {
    change(key, old, object) {
      const values = object === undefined ? [] : valuesOf(object);
      for (const value of old === undefined ? [] : valuesOf(old)) if (!values.includes(value)) leave(key, value);
      if (object !== undefined) for (const value of values) enter(key, value, object);
    },
    read(value) {
      const bucket = buckets.get(value);
      if (bucket === undefined) return [];
      if (!("objects" in bucket)) return bucket;
      return (bucket.array ??= [...bucket.objects.values()]);
    },
  };
}
