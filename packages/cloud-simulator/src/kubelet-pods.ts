/**
 * What the API server sees of a node's pods: they run as soon as they are bound to it and are gone as soon as they are to
 * end. There is no watch to hold open: a node without pods costs one list, which the API server answers from an index of
 * its cache, with every renewal of a Lease; one with pods looks more often.
 */
import { createHash } from "node:crypto";
import type { Clock } from "./clock.ts";
import { isStatus, type KubeApi, type KubeObject } from "./kube-api.ts";
import { fraction, type Random } from "./random.ts";

export type PodsContext = {
  api: KubeApi;
  nodeName: string;
  addresses: () => readonly { type: string; address: string }[];
  clock: Clock;
  random: Random;
  /** How long pod networking takes after the registration. */
  readyMs: number;
  warn: (what: string, error: unknown) => void;
};

type Pod = KubeObject & {
  spec: { containers?: { name: string; image: string }[] };
  status?: { phase?: string };
};

const IDLE_MS = 10_000;
const BUSY_MS = 2_000;

/** Runs until the signal is aborted; then rejects. */
export async function runPods(context: PodsContext, signal: AbortSignal): Promise<never> {
  const { api, clock, nodeName } = context;
  const selector = encodeURIComponent(`spec.nodeName=${nodeName}`);
  await clock.sleep(context.readyMs, { signal });
  for (;;) {
    let isBusy = false;
    try {
      // Any version will do: with 0 the answer comes from the cache.
      const path = `/api/v1/pods?fieldSelector=${selector}&resourceVersion=0`;
      const { items } = (await api({ method: "GET", path, signal })) as unknown as { items: Pod[] };
      isBusy = items.length > 0;
      for (const pod of items) await settle(pod, context, signal);
    } catch (error) {
      context.warn("look after its pods", error);
    }
    await clock.sleep((isBusy ? BUSY_MS : IDLE_MS) * (1 + 0.04 * fraction(context.random)), { signal });
  }
}

async function settle(pod: Pod, context: PodsContext, signal: AbortSignal): Promise<void> {
  const { name, namespace, uid } = pod.metadata;
  const path = `/api/v1/namespaces/${String(namespace)}/pods/${name}`;
  try {
    if (pod.metadata["deletionTimestamp"] !== undefined) {
      const body = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0, preconditions: { uid } };
      await context.api({ method: "DELETE", path, body, signal });
    } else if (pod.status?.phase === undefined || pod.status.phase === "Pending") {
      const body = { metadata: { uid }, status: runningStatus(pod, context) };
      await context.api({ method: "PATCH", path: `${path}/status`, body, signal });
    }
  } catch (error) {
    // It is gone, or another of its name is there now.
    if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
  }
}

function runningStatus({ metadata, spec }: Pod, { addresses, clock }: PodsContext): object {
  const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
  const podIp = podAddress(String(metadata["uid"]));
  const hostIp = addresses().find(({ type }) => type === "InternalIP")?.address;
  return {
    phase: "Running",
    startTime: now,
    podIP: podIp,
    podIPs: [{ ip: podIp }],
    ...(hostIp !== undefined && { hostIP: hostIp, hostIPs: [{ ip: hostIp }] }),
    conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({
      type,
      status: "True",
      lastTransitionTime: now,
    })),
    containerStatuses: (spec.containers ?? []).map((container) => ({
      name: container.name,
      image: container.image,
      imageID: "",
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: now } },
    })),
  };
}

/** In 100.64.0.0/10, the same for the same pod; two pods may rarely share one. */
function podAddress(uid: string): string {
  const [a = 0, b = 0, c = 0] = createHash("sha256").update(uid).digest();
  return `100.${64 + (a % 64)}.${b}.${c}`;
}
