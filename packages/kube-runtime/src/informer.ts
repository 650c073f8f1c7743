// Keeps a store equal to the API server's collection: list, watch from there, list again when the server says so.
import {
  type Clock,
  type KubeClient,
  type KubeObject,
  type Resource,
  isKubeError,
} from "@machine-controller/kube-client";
import { backoffMs, withJitter } from "./backoff.ts";
import { compareResourceVersions } from "./resource-version.ts";
import { type IndexFunctions, type Store, createStore, keyOf } from "./store.ts";

export type Change<T> =
  | { type: "added"; object: T }
  | { type: "updated"; object: T; old: T }
  /** `object` is the last state known. */
  | { type: "deleted"; object: T };

export type Informer<T extends KubeObject = KubeObject> = {
  /** `plural.group`, for messages. */
  readonly name: string;
  readonly store: Store<T>;
  /** Resolves after the first list; rejects if `run` ends before. */
  readonly synced: Promise<void>;
  /** When the server last said anything (list, event, bookmark), in clock milliseconds. */
  readonly lastEventAt: number | undefined;
  /** Whether the server said anything within `maxAgeMs`. A quiet collection still gets a bookmark about every minute. */
  isFresh(maxAgeMs: number): boolean;
  /** How often it listed and began to watch, and how often the server failed it, since the beginning. */
  readonly metrics: { lists: number; watches: number; errors: number };
  /** Handlers run synchronously, in order; one registered late first sees what is there as added. Returns the way out. */
  onChange(handler: (change: Change<T>) => void): () => void;
  /** Until the signal aborts; then resolves. Failures of the server are retried for ever and told to `onError`. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Feeds the answer to one's own write into the store before its event arrives. Takes effect only on an object that is
   * there with the same UID and an older resourceVersion: it never adds, so it cannot bring back what a DELETED event took.
   */
  observe(object: T): void;
};

export type InformerOptions<T extends KubeObject> = {
  client: KubeClient;
  resource: Resource<T>;
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  indexes?: IndexFunctions<T>;
  /** Applied to every object before it is stored: drop what nobody reads. Must keep name, namespace, uid, resourceVersion. */
  transform?: (object: T) => T;
  clock: Clock;
  random?: () => number;
  onError?: (error: unknown) => void;
};

const BACKOFF = { baseMs: 500, maxMs: 30_000 };
/** A watch lives 5 to 10 minutes, spread so that not all are renewed at once. */
const WATCH_SECONDS = 300;

export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const { client, resource, clock, random = () => 0.5, transform = (object) => object, onError = () => {} } = options;
  const { namespace, labelSelector, fieldSelector } = options;
  const scope = { namespace, labelSelector, fieldSelector };
  const store = createStore<T>(options.indexes);
  const handlers = new Set<(change: Change<T>) => void>();
  const sync = Promise.withResolvers<void>();
  sync.promise.catch(() => undefined);
  let lastEventAt: number | undefined;
  const metrics = { lists: 0, watches: 0, errors: 0 };

  function emit(change: Change<T>): void {
    for (const handler of handlers) tell(handler, change);
  }

  function tell(handler: (change: Change<T>) => void, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      onError(error);
    }
  }

  function remove(old: T): void {
    store.delete(keyOf(old));
    emit({ type: "deleted", object: old });
  }

  /** The stored object may be newer than what arrives: `observe` overtakes both events and lists. */
  function apply(object: T): void {
    const old = store.getByKey(keyOf(object));
    if (old !== undefined && old.metadata.uid === object.metadata.uid) {
      const order = compareResourceVersions(object.metadata.resourceVersion, old.metadata.resourceVersion);
      if (order !== undefined && order <= 0) return;
      store.set(object);
      emit({ type: "updated", object, old });
      return;
    }
    if (old !== undefined) remove(old);
    store.set(object);
    emit({ type: "added", object });
  }

  function replace(items: readonly T[]): void {
    const vanished = new Set(store.keys());
    for (const item of items) vanished.delete(keyOf(item));
    for (const key of vanished) {
      const old = store.getByKey(key);
      if (old !== undefined) remove(old);
    }
    for (const item of items) apply(item);
  }

  async function relist(signal: AbortSignal): Promise<string> {
    // No resourceVersion: a list may not be older than what the store has shown, or it would seem to delete.
    metrics.lists += 1;
    const { items, resourceVersion } = await client.listAll(resource, { ...scope, keep: transform, signal });
    replace(items);
    lastEventAt = clock.now();
    sync.resolve();
    return resourceVersion;
  }

  /** Follows one watch to its end, calling `progress` with each position it reached. */
  async function follow(from: string, signal: AbortSignal, progress: (resourceVersion: string) => void): Promise<void> {
    const timeoutSeconds = Math.ceil(WATCH_SECONDS * (1 + random()));
    const watch = { ...scope, resourceVersion: from, allowBookmarks: true, timeoutSeconds, signal };
    metrics.watches += 1;
    for await (const event of client.watch(resource, watch)) {
      lastEventAt = clock.now();
      switch (event.type) {
        case "ADDED":
        case "MODIFIED":
          apply(transform(event.object));
          break;
        case "DELETED": {
          const old = store.getByKey(keyOf(event.object));
          if (old !== undefined && old.metadata.uid === event.object.metadata.uid) remove(old);
          break;
        }
        case "BOOKMARK":
          break;
      }
      if (event.object.metadata.resourceVersion !== undefined) progress(event.object.metadata.resourceVersion);
    }
  }

  return {
    name: resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`,
    store,
    synced: sync.promise,
    get lastEventAt() {
      return lastEventAt;
    },
    metrics,
    isFresh: (maxAgeMs) => lastEventAt !== undefined && clock.now() - lastEventAt <= maxAgeMs,
    onChange(handler) {
      handlers.add(handler);
      for (const object of store.list()) tell(handler, { type: "added", object });
      return () => handlers.delete(handler);
    },
    observe(object) {
      const old = object.metadata.uid === undefined ? undefined : store.byUid(object.metadata.uid);
      const order = compareResourceVersions(object.metadata.resourceVersion, old?.metadata.resourceVersion);
      if (order !== undefined && order > 0) apply(transform(object));
    },
    async run(signal) {
      let position: string | undefined;
      let failures = 0;
      while (!signal.aborted) {
        const startedAt = clock.now();
        let retryAfterMs = 0;
        try {
          position ??= await relist(signal);
          await follow(position, signal, (resourceVersion) => {
            position = resourceVersion;
            failures = 0;
          });
          // A watch that ends as soon as it began is a failure too, or the loop would spin.
          failures = clock.now() - startedAt < 1000 ? failures + 1 : 0;
        } catch (error) {
          if (signal.aborted) break;
          metrics.errors += 1;
          if (isKubeError(error, "Expired")) position = undefined;
          else onError(error);
          retryAfterMs = isKubeError(error) ? (error.retryAfterMs ?? 0) : 0;
          failures += 1;
        }
        if (failures === 0) continue;
        const delay = Math.max(retryAfterMs, withJitter(backoffMs(BACKOFF, failures - 1), random));
        await clock.sleep(delay, { signal }).catch(() => undefined);
      }
      sync.reject(signal.reason);
    },
  };
}
