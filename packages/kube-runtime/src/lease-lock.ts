import {
  type Clock,
  type KubeClient,
  type Lease,
  coreResources,
  isKubeError,
  startDeadline,
} from "@machine-controller/kube-client";

export type LeaseLockOptions = {
  client: KubeClient;
  namespace: string;
  name: string;
  /** Unique to this process: whoever bears the holder's identity takes the lease for its own at once. */
  identity: string;
  clock: Clock;
  leaseDurationMs: number;
  onNewLeader?: (identity: string) => void;
};

/** A Lease as a lock that expires. Expiry is measured from when this process saw the last change: no clock but its own counts. */
export type LeaseLock = {
  /** Acquires or renews. False: someone else holds it. Throws KubeErrors; the next call then reads before it writes. */
  tryHold(signal: AbortSignal): Promise<boolean>;
  /** Gives the lease up if this process holds it; failing to do so only means that others wait for its expiry. */
  release(): Promise<void>;
  /** When the last successful `tryHold` began. */
  readonly renewedAt: number;
  readonly holder: string | undefined;
};

const RELEASE_TIMEOUT_MS = 2000;
const { leases } = coreResources;

export function createLeaseLock(options: LeaseLockOptions): LeaseLock {
  const { client, namespace, name, identity, clock, leaseDurationMs, onNewLeader } = options;
  let lease: Lease | undefined;
  /** When the spec of `lease` was first seen. */
  let seenAt = 0;
  let renewedAt = -Infinity;
  /** Whether `lease` may be written without reading it first. */
  let isCurrent = false;

  function see(next: Lease): void {
    const before = lease?.spec?.holderIdentity;
    if (JSON.stringify(next.spec) !== JSON.stringify(lease?.spec)) seenAt = clock.now();
    lease = next;
    const holder = next.spec?.holderIdentity;
    if (holder && holder !== before) onNewLeader?.(holder);
  }

  function heldByOther(): boolean {
    const { holderIdentity, leaseDurationSeconds = 0 } = lease?.spec ?? {};
    if (!holderIdentity || holderIdentity === identity) return false;
    return clock.now() < seenAt + leaseDurationSeconds * 1000;
  }

  function claim(): NonNullable<Lease["spec"]> {
    const now = toMicroTime(clock.now());
    const { holderIdentity, acquireTime, leaseTransitions = -1 } = lease?.spec ?? {};
    const isRenewal = holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: isRenewal ? (acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: isRenewal ? Math.max(0, leaseTransitions) : leaseTransitions + 1,
    };
  }

  async function read(signal: AbortSignal): Promise<void> {
    try {
      see(await client.get(leases, { namespace, name }, { signal }));
    } catch (error) {
      if (!isKubeError(error, "NotFound")) throw error;
      lease = undefined;
    }
  }

  async function write(spec: NonNullable<Lease["spec"]>, signal: AbortSignal): Promise<void> {
    isCurrent = false;
    const metadata = lease?.metadata ?? { namespace, name };
    const next: Lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
    see(lease ? await client.update(leases, next, { signal }) : await client.create(leases, next, { signal }));
    isCurrent = true;
  }

  return {
    get renewedAt() {
      return renewedAt;
    },
    get holder() {
      return lease?.spec?.holderIdentity || undefined;
    },
    async tryHold(signal) {
      const startedAt = clock.now();
      if (!isCurrent) await read(signal);
      if (heldByOther()) return false;
      await write(claim(), signal);
      renewedAt = startedAt;
      return true;
    },
    async release() {
      if (lease?.spec?.holderIdentity !== identity) return;
      const timeout = { signal: new AbortController().signal, clock, timeoutMs: RELEASE_TIMEOUT_MS };
      using deadline = startDeadline({ ...timeout, reason: () => new DOMException("release", "TimeoutError") });
      try {
        if (!isCurrent) await read(deadline.signal);
        if (lease?.spec?.holderIdentity !== identity) return;
        // One second and no holder: what client-go writes, so that the next one need not wait.
        await write({ ...claim(), holderIdentity: "", leaseDurationSeconds: 1 }, deadline.signal);
      } catch {
        // The lease then expires by itself.
      }
    },
  };
}

/** metav1.MicroTime. */
function toMicroTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
