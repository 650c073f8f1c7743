import { startDeadline } from "./cancellation.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Call, createExchange } from "./exchange.ts";
import { KubeError, isKubeError } from "./kube-error.ts";
import type { KubeObject, ObjectRef } from "./object.ts";
import { type Resource, apiVersionOf, resourcePath } from "./resource.ts";
import type { ApiResponse, Transport } from "./transport.ts";
import { type WatchEvent, readWatchEvents } from "./watch-stream.ts";

export type ListOptions = {
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  signal: AbortSignal;
};

export type ListAllOptions<T> = ListOptions & {
  /** Items of one page. */
  limit?: number;
  /** What is kept of each item, as soon as its page is there. */
  keep?: (item: T) => T;
};

export type ListPageOptions = ListOptions & {
  limit?: number;
  continue?: string;
  resourceVersion?: string;
  resourceVersionMatch?: "Exact" | "NotOlderThan";
};

export type ListPage<T> = { items: T[]; resourceVersion: string; continue?: string };

export type WatchOptions = ListOptions & {
  resourceVersion?: string;
  allowBookmarks?: boolean;
  sendInitialEvents?: boolean;
  /** After which the server ends the watch. A server that does not is taken for dead a request timeout later. */
  timeoutSeconds?: number;
};

export type Patch = {
  type: "json" | "merge" | "strategic" | "apply";
  body: unknown;
  /** Required by `apply`. */
  fieldManager?: string;
  /** `apply` only: take fields over from other managers. */
  force?: boolean;
};

export type DeleteOptions = {
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  gracePeriodSeconds?: number;
  signal: AbortSignal;
};

/**
 * Typed verbs on a Kubernetes API. Every verb throws `KubeError`, or the signal's reason once it aborts.
 * Mutations are sent at most once: codes with an unknown outcome are the caller's to settle by reading.
 */
export type KubeClient = {
  get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options: { signal: AbortSignal }): Promise<T>;
  /** One page, with apiVersion and kind set on every item. */
  list<T extends KubeObject>(resource: Resource<T>, options: ListPageOptions): Promise<ListPage<T>>;
  /** All pages of one consistent snapshot. `limit` is the page size. */
  listAll<T extends KubeObject>(
    resource: Resource<T>,
    options: ListAllOptions<T>,
  ): Promise<{ items: T[]; resourceVersion: string }>;
  /** The namespace is the object's own. */
  create<T extends KubeObject>(
    resource: Resource<T>,
    object: NoInfer<T>,
    options: { fieldManager?: string; dryRun?: boolean; signal: AbortSignal },
  ): Promise<T>;
  /** With `metadata.resourceVersion` set, throws Conflict if the object has changed since. */
  update<T extends KubeObject>(
    resource: Resource<T>,
    object: NoInfer<T>,
    options: { subresource?: string; signal: AbortSignal },
  ): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: Patch,
    options: { subresource?: string; signal: AbortSignal },
  ): Promise<T>;
  /** Resolves once the server accepted it: an object with finalizers may live on. Already gone: NotFound. */
  delete(resource: Resource, ref: ObjectRef, options: DeleteOptions): Promise<void>;
  /** Ends when the server ends it; an ERROR event throws its KubeError (410 → Expired). */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Creates below an object, for example `eviction` below a Pod. Resolves with the server's answer. */
  createSubresource(
    resource: Resource,
    ref: ObjectRef,
    subresource: string,
    body: unknown,
    options: { signal: AbortSignal },
  ): Promise<unknown>;
  /** Any path. Resolves with a 2xx answer once its headers are there. */
  request(path: string, init: Omit<Call, "path" | "method"> & { method?: Call["method"] }): Promise<ApiResponse>;
};

const PATCH_TYPES = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  // JSON is YAML, and servers before 1.32 know no JSON name for it.
  apply: "application/apply-patch+yaml",
} as const satisfies Record<Patch["type"], string>;

const PAGE_SIZE = 500;

export function createKubeClient(options: {
  baseUrl: string;
  transport: Transport;
  userAgent?: string;
  requestTimeoutMs?: number;
  clock?: Clock;
}): KubeClient {
  const { userAgent = "machine-controller", requestTimeoutMs = 30_000, clock = systemClock } = options;
  const exchange = createExchange({ ...options, userAgent, requestTimeoutMs, clock });

  async function list<T extends KubeObject>(resource: Resource<T>, options: ListPageOptions): Promise<ListPage<T>> {
    const { namespace, signal, ...query } = options;
    const page = await exchange.json<{
      items?: T[] | null;
      metadata: { resourceVersion?: string; continue?: string };
    }>({ method: "GET", path: resourcePath(resource, { namespace }), query, signal });
    const items = page.items ?? [];
    const apiVersion = apiVersionOf(resource);
    for (const item of items) {
      item.apiVersion ??= apiVersion;
      item.kind ??= resource.kind;
    }
    return {
      items,
      resourceVersion: page.metadata.resourceVersion ?? "",
      ...(page.metadata.continue && { continue: page.metadata.continue }),
    };
  }

  async function listAll<T extends KubeObject>(
    resource: Resource<T>,
    options: ListAllOptions<T>,
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const { limit = PAGE_SIZE, keep = (item) => item, ...rest } = options;
    let page = await list(resource, { ...rest, limit });
    const items = page.items.map(keep);
    while (page.continue !== undefined) {
      try {
        page = await list(resource, { ...rest, limit, continue: page.continue });
      } catch (error) {
        // The snapshot was compacted while paging: only an unpaged list is consistent without one.
        if (isKubeError(error, "Expired")) return unpaged(resource, rest, keep);
        throw error;
      }
      for (const item of page.items) items.push(keep(item));
    }
    return { items, resourceVersion: page.resourceVersion };
  }

  async function unpaged<T extends KubeObject>(
    resource: Resource<T>,
    options: ListOptions,
    keep: (item: T) => T,
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const { items, resourceVersion } = await list(resource, options);
    return { items: items.map(keep), resourceVersion };
  }

  async function* watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { namespace, signal, allowBookmarks, resourceVersion, ...query } = options;
    using deadline = startDeadline({
      signal,
      clock,
      timeoutMs: (options.timeoutSeconds ?? Infinity) * 1000 + requestTimeoutMs,
      reason: () => new KubeError("Unreachable", `the watch of ${resource.plural} outlived its time limit`),
    });
    const response = await exchange.open({
      method: "GET",
      path: resourcePath(resource, { namespace }),
      query: {
        watch: true,
        allowWatchBookmarks: allowBookmarks,
        resourceVersion,
        ...(query.sendInitialEvents && { resourceVersionMatch: "NotOlderThan" }),
        ...query,
      },
      signal: deadline.signal,
    });
    if (response.body !== null) yield* readWatchEvents<T>(response.body, { signal: deadline.signal });
  }

  return {
    get: (resource, ref, { signal }) => exchange.json({ method: "GET", path: resourcePath(resource, ref), signal }),
    list,
    listAll,
    create: (resource, object, { fieldManager, dryRun, signal }) =>
      exchange.json({
        method: "POST",
        path: resourcePath(resource, { namespace: namespaceOf(resource, object) }),
        query: { fieldManager, dryRun: dryRun ? "All" : undefined },
        body: object,
        signal,
      }),
    update: (resource, object, { subresource, signal }) =>
      exchange.json({
        method: "PUT",
        path: resourcePath(resource, {
          namespace: object.metadata.namespace,
          name: object.metadata.name ?? "",
          subresource,
        }),
        body: object,
        signal,
      }),
    // oxlint-disable-next-line max-params -- reads as kubectl does: resource, object, change, options
    patch: (resource, ref, { type, body, fieldManager, force }, { subresource, signal }) =>
      exchange.json({
        method: "PATCH",
        path: resourcePath(resource, { ...ref, subresource }),
        query: { fieldManager, force },
        contentType: PATCH_TYPES[type],
        body,
        signal,
      }),
    async delete(resource, ref, { signal, ...options }) {
      await exchange.json({
        method: "DELETE",
        path: resourcePath(resource, ref),
        body: { apiVersion: "v1", kind: "DeleteOptions", ...options },
        signal,
      });
    },
    watch,
    // oxlint-disable-next-line max-params -- as patch
    createSubresource: (resource, ref, subresource, body, { signal }) =>
      exchange.json({ method: "POST", path: resourcePath(resource, { ...ref, subresource }), body, signal }),
    request: (path, init) => exchange.open({ method: "GET", ...init, path }),
  };
}

function namespaceOf(resource: Resource, object: KubeObject): string | undefined {
  const { namespace } = object.metadata;
  if (resource.namespaced && !namespace)
    throw new TypeError(`a ${resource.kind} cannot be created without a namespace`);
  return namespace;
}
