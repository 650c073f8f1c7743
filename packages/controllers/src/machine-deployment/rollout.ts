/** The arithmetic of rollouts: how many Machines each MachineSet should have now. Pure. */
import { type MachineDeployment, resolveIntOrPercent } from "@machine-controller/api";

const STRATEGIES = ["RollingUpdate", "Recreate", "OnDelete"] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** @throws RangeError where there is none of that name. */
export function strategyOf({ spec }: MachineDeployment): Strategy {
  const given = spec.strategy?.type || "RollingUpdate";
  const strategy = STRATEGIES.find((name) => name === given);
  if (strategy === undefined)
    throw new RangeError(`spec.strategy.type: "${given}" is not supported; use one of ${STRATEGIES.join(", ")}`);
  return strategy;
}

export type Limits = { replicas: number; maxSurge: number; maxUnavailable: number };

export type SetSize = {
  readonly uid: string;
  /** `spec.replicas`. */
  readonly replicas: number;
  /** Machines that exist and are not being deleted, those that no informer shows yet among them. */
  readonly existing: number;
  /** Those that serve, and that the MachineSet deletes only when no other is left. */
  readonly available: number;
  /** Those that somebody marked for deletion, or that failed. */
  readonly doomed: number;
  /** What the newest scaling recorded as replicas + maxSurge; undefined where nothing usable is recorded. */
  readonly formerMax: number | undefined;
};

/** New `spec.replicas` by UID of the MachineSet. */
export type Replicas = ReadonlyMap<string, number>;

/** @throws RangeError where the strategy is unknown, maxSurge or maxUnavailable is neither a number nor a percentage, or is negative. */
export function limitsOf(deployment: MachineDeployment): Limits {
  const { spec } = deployment;
  const replicas = spec.replicas ?? 1;
  if (strategyOf(deployment) !== "RollingUpdate") return { replicas, maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge: surge, maxUnavailable: unavailable } = spec.strategy?.rollingUpdate ?? {};
  const maxSurge = resolveLimit("maxSurge", () => resolveIntOrPercent(surge ?? 1, replicas, "up"));
  const wanted = resolveLimit("maxUnavailable", () => resolveIntOrPercent(unavailable ?? 0, replicas, "down"));
  // Both zero would never make progress.
  const maxUnavailable = maxSurge === 0 && wanted === 0 ? 1 : wanted;
  return { replicas, maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}

function resolveLimit(name: string, resolve: () => number): number {
  const path = `spec.strategy.rollingUpdate.${name}`;
  let limit: number;
  try {
    limit = resolve();
  } catch (cause) {
    throw new RangeError(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  if (limit < 0) throw new RangeError(`${path}: must not be negative, is ${limit}`);
  return limit;
}

/** Of those that stay: some of those that serve may be on their way out. */
const availableOf = ({ available, replicas }: SetSize): number => Math.min(available, replicas);
const sum = (sizes: readonly SetSize[], count: (size: SetSize) => number): number =>
  sizes.reduce((total, size) => total + count(size), 0);

/** RollingUpdate: replicas for the MachineSet of the current template, as many as the surge leaves room for. */
export function newSetReplicas({ replicas, maxSurge }: Limits, current: number, all: readonly SetSize[]): number {
  if (current >= replicas) return replicas;
  // A MachineSet told to shrink may not have deleted any yet.
  const room = replicas + maxSurge - sum(all, (size) => Math.max(size.replicas, size.existing));
  return room <= 0 ? current : current + Math.min(room, replicas - current);
}

/**
 * RollingUpdate: replicas for the MachineSets of older templates: those that serve nobody shrink first, then as many more
 * as leave `replicas - maxUnavailable` Machines available.
 * @param oldSets oldest first.
 */
export function oldSetReplicas(
  { replicas, maxUnavailable }: Limits,
  newSet: SetSize,
  oldSets: readonly SetSize[],
): Replicas {
  const wanted = new Map(oldSets.map((set) => [set.uid, set.replicas]));
  const all = [...oldSets, newSet];
  const minAvailable = replicas - maxUnavailable;
  let removable = sum(all, (set) => set.replicas) - minAvailable - (newSet.replicas - availableOf(newSet));
  for (const set of oldSets) {
    if (removable <= 0) return wanted;
    const idle = Math.min(removable, set.replicas - availableOf(set));
    wanted.set(set.uid, set.replicas - idle);
    removable -= idle;
  }
  let spare = sum(all, availableOf) - minAvailable;
  for (const { uid } of oldSets) {
    const size = wanted.get(uid) ?? 0;
    const shrink = Math.min(Math.max(0, spare), size);
    wanted.set(uid, size - shrink);
    spare -= shrink;
  }
  return wanted;
}

/**
 * OnDelete: what somebody deleted of an old MachineSet is made again in the new one. A smaller total takes those first
 * that are marked or failed, then those that do not serve yet, then from the oldest MachineSet on.
 * @param newSet undefined while it does not exist; its replicas are then what the old ones leave.
 */
export function onDeleteReplicas(
  { replicas }: Limits,
  newSet: SetSize | undefined,
  oldSets: readonly SetSize[],
): { oldSets: Replicas; newSet: number } {
  const sizes = [...oldSets, ...(newSet ? [newSet] : [])];
  const wanted = new Map(
    sizes.map((set) => [set.uid, set === newSet ? set.replicas : Math.min(set.replicas, set.existing)]),
  );
  let surplus = [...wanted.values()].reduce((total, size) => total + size, -replicas);
  const shrink = ({ uid }: SetSize, most: number): void => {
    const size = wanted.get(uid) ?? 0;
    const by = Math.max(0, Math.min(surplus, most, size));
    wanted.set(uid, size - by);
    surplus -= by;
  };
  // Those that it shrank for, and has not deleted yet, are the doomed.
  for (const set of sizes) shrink(set, set.doomed - Math.max(0, set.existing - set.replicas));
  for (const set of sizes) shrink(set, (wanted.get(set.uid) ?? 0) - availableOf(set));
  for (const set of sizes) shrink(set, set.replicas);
  const old = new Map(oldSets.map(({ uid }) => [uid, wanted.get(uid) ?? 0]));
  return { oldSets: old, newSet: replicas - [...old.values()].reduce((total, size) => total + size, 0) };
}

/**
 * Replicas while paused: a changed total is spread over the active MachineSets in proportion to their size, what rounding
 * leaves going to the largest. No MachineSet is started that was at zero, unless it is the only one there is; when the new
 * one has all its Machines, the old ones go.
 * @param sets oldest first.
 */
export function pausedReplicas(
  { replicas, maxSurge }: Limits,
  sets: readonly SetSize[],
  newSet: SetSize | undefined,
): Replicas {
  const active = sets.filter((set) => set.replicas > 0);
  const [only = sets.at(-1)] = active;
  if (active.length <= 1) return new Map(only ? [[only.uid, replicas]] : []);
  if (newSet?.replicas === replicas && newSet.available === replicas && newSet.formerMax === replicas + maxSurge) {
    return new Map(active.map(({ uid }) => [uid, uid === newSet.uid ? replicas : 0]));
  }
  const allowed = replicas === 0 ? 0 : replicas + maxSurge;
  const total = sum(active, (set) => set.replicas);
  const ordered = active.toSorted((a, b) => b.replicas - a.replicas);
  const wanted = new Map<string, number>();
  let left = allowed - total;
  for (const { uid, replicas: size, formerMax } of ordered) {
    // A record that somebody damaged must not divide by zero, nor turn growth into shrinking.
    const former = formerMax !== undefined && formerMax > 0 ? formerMax : total;
    const change = Math.round((size * allowed) / former) - size;
    const share = left > 0 ? Math.min(Math.max(0, change), left) : Math.max(Math.min(0, change), left);
    wanted.set(uid, size + share);
    left -= share;
  }
  // Down, the largest may be too small for what is left.
  for (const { uid } of ordered) {
    const size = wanted.get(uid) ?? 0;
    const share = Math.max(-size, left);
    wanted.set(uid, size + share);
    left -= share;
  }
  return wanted;
}
