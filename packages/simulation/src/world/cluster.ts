/**
 * The embedded control plane in a world, and what is in it: everybody else comes over the network, invariants and users look
 * at `objects`, which follow each commit at once.
 */
import {
  customResourceDefinitions,
  type Machine,
  type MachineDeployment,
  type MachineSet,
} from "@machine-controller/api";
import { type ControlPlane, createControlPlane } from "@machine-controller/control-plane";
import type { Event, KubeObject, Node } from "@machine-controller/kube-client";
import { untilBlocked } from "./clock.ts";
import type { Endpoint } from "./network.ts";
import { createProcess } from "./process.ts";
import { createRandom, type Random } from "./random.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";

export type Objects = {
  readonly machines: ReadonlyMap<string, Machine>;
  readonly machineSets: ReadonlyMap<string, MachineSet>;
  readonly machineDeployments: ReadonlyMap<string, MachineDeployment>;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly events: ReadonlyMap<string, Event>;
};

export type ClusterChange = {
  readonly kind: keyof Objects;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
  /** Before this change; undefined for a new object. */
  readonly old: KubeObject | undefined;
};

export type Cluster = {
  readonly endpoint: Endpoint;
  readonly adminToken: string;
  /** What instances are marked with. */
  readonly uid: string;
  /** By UID. */
  readonly objects: Objects;
  onChange(listener: (change: ClusterChange) => void): void;
  /** Past the network, for users and for setting a world up. Throws what the API server refused. */
  request<T = KubeObject>(method: string, path: string, body?: unknown): Promise<T>;
  close(): void;
};

const ORIGIN = "https://kube.simulation:6443";
const V1ALPHA1 = "/apis/cluster.k8s.io/v1alpha1";
export const NAMESPACE = "kube-system";
const PATHS: Readonly<Record<keyof Objects, string>> = {
  machines: `${V1ALPHA1}/machines`,
  machineSets: `${V1ALPHA1}/machinesets`,
  machineDeployments: `${V1ALPHA1}/machinedeployments`,
  nodes: "/api/v1/nodes",
  events: "/api/v1/events",
};

export async function createCluster(options: {
  scheduler: Scheduler;
  random: Random;
  keptRevisions: number;
}): Promise<Cluster> {
  const { scheduler, random, keptRevisions } = options;
  const { clock } = createProcess(scheduler, { name: "kube", generation: 1, seed: "" });
  const closing = new AbortController();
  const controlPlane = await createControlPlane({
    database: await (furnished ??= furnish()),
    clock,
    random,
    keptRevisions,
  });
  const listeners: ((change: ClusterChange) => void)[] = [];
  const objects: Record<keyof Objects, Map<string, KubeObject>> = {
    machines: new Map(),
    machineSets: new Map(),
    machineDeployments: new Map(),
    nodes: new Map(),
    events: new Map(),
  };
  const kubeSystem = await request<KubeObject>(controlPlane, {
    method: "GET",
    path: `/api/v1/namespaces/${NAMESPACE}`,
  });
  const cluster: Cluster = {
    uid: kubeSystem.metadata.uid ?? "",
    endpoint: {
      name: "kube",
      kind: "kube",
      stragglerMs: 25_000,
      mayRepeat: () => true,
      handle: (request) => controlPlane.handle(request),
      respond: statusAnswer,
    },
    adminToken: controlPlane.adminToken,
    objects: objects as unknown as Objects,
    onChange: (listener) => void listeners.push(listener),
    request: (method, path, body) => request(controlPlane, { method, path, body }),
    close() {
      closing.abort();
      controlPlane.close();
    },
  };
  void controlPlane.run(closing.signal).catch(() => undefined);
  for (const kind of Object.keys(PATHS) as (keyof Objects)[]) {
    await follow(controlPlane, PATHS[kind], (type, object) => {
      const uid = object.metadata.uid ?? "";
      const old = objects[kind].get(uid);
      if (type === "DELETED") objects[kind].delete(uid);
      else objects[kind].set(uid, object);
      for (const listener of listeners) listener({ kind, type, object, old });
    });
  }
  return cluster;
}

/** What every cluster has when its world begins. Opening a copy costs a fraction of making it. */
let furnished: Promise<Uint8Array> | undefined;

async function furnish(): Promise<Uint8Array> {
  const controlPlane = await createControlPlane({
    database: ":memory:",
    clock: createProcess(createScheduler("furnish"), { name: "kube", generation: 1, seed: "" }).clock,
    random: createRandom("furnish"),
  });
  await controlPlane.setEndpoint(ORIGIN);
  for (const definition of customResourceDefinitions) {
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    await request(controlPlane, { method: "POST", path, body: definition });
  }
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "cloud-init-settings" } };
  await request(controlPlane, { method: "POST", path: "/api/v1/namespaces", body });
  const closing = new AbortController();
  const running = controlPlane.run(closing.signal);
  await untilBlocked();
  closing.abort();
  await running;
  const snapshot = controlPlane.snapshot();
  controlPlane.close();
  return snapshot;
}

async function request<T>(
  { handle, adminToken }: ControlPlane,
  { method, path, body }: { method: string; path: string; body?: unknown },
): Promise<T> {
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const response = await handle(
    new Request(ORIGIN + path, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, "content-type": type },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  );
  const answer = (await response.json()) as T & { message?: string };
  if (!response.ok) throw new Error(`${method} ${path}: ${answer.message}`);
  return answer;
}

/** Hears of every object there is and of every change, in the same turn as the commit. */
async function follow(
  { handle, adminToken }: ControlPlane,
  path: string,
  tell: (type: ClusterChange["type"], object: KubeObject) => void,
): Promise<void> {
  const headers = { authorization: `Bearer ${adminToken}` };
  const { body } = await handle(new Request(`${ORIGIN}${path}?watch=true`, { headers }));
  if (body === null) throw new Error(`${path} cannot be watched`);
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      for (const line of decoder.decode(chunk).split("\n")) {
        if (line === "") continue;
        const { type, object } = JSON.parse(line) as { type: ClusterChange["type"]; object: KubeObject };
        tell(type, object);
      }
    }
  };
  void read().catch(() => undefined);
}

const REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  409: "Conflict",
  410: "Expired",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

const statusAnswer: Endpoint["respond"] = (status, { retryAfterSeconds }) =>
  Response.json(
    {
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      code: status,
      reason: REASONS[status],
      message: `simulated ${status}`,
    },
    { status, headers: retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) } },
  );
