/** The arithmetic of a rolling update: how many Machines each MachineSet should have now. Pure. */
import { type MachineDeployment, type MachineSet, resolveIntOrPercent } from "@machine-controller/api";
import { ANNOTATION_MAX_REPLICAS } from "@machine-controller/api/well-known";

export type Limits = { replicas: number; maxSurge: number; maxUnavailable: number };

/** @throws RangeError where maxSurge or maxUnavailable is neither a number nor a percentage. */
export function limitsOf({ spec }: MachineDeployment): Limits {
  const replicas = spec.replicas ?? 1;
  const { maxSurge: surge = 1, maxUnavailable: unavailable = 0 } = spec.strategy?.rollingUpdate ?? {};
  const maxSurge = resolveIntOrPercent(surge, replicas, "up");
  const wanted = resolveIntOrPercent(unavailable, replicas, "down");
  // Both zero would never make progress.
  const maxUnavailable = maxSurge === 0 && wanted === 0 ? 1 : wanted;
  return { replicas, maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}

export const replicasOf = ({ spec }: MachineSet): number => spec.replicas ?? 1;
/** Of those that stay: a status may still count Machines that the spec has given up. */
const availableOf = (set: MachineSet): number => Math.min(set.status?.availableReplicas ?? 0, replicasOf(set));
export const sum = (sets: readonly MachineSet[], count: (set: MachineSet) => number): number =>
  sets.reduce((total, set) => total + count(set), 0);

/** Machines that exist or are about to: a MachineSet told to shrink may not have deleted any yet. */
export const totalOf = (sets: readonly MachineSet[]): number =>
  sum(sets, (set) => Math.max(replicasOf(set), set.status?.replicas ?? 0));

/** Replicas for the MachineSet of the current template: as many as the surge leaves room for. */
export function newSetReplicas({ replicas, maxSurge }: Limits, current: number, total: number): number {
  if (current >= replicas) return replicas;
  const room = replicas + maxSurge - total;
  return room <= 0 ? current : current + Math.min(room, replicas - current);
}

/**
 * Replicas for the MachineSets of older templates, by UID: those that serve nobody shrink first, then as many more as
 * leave `replicas - maxUnavailable` Machines available.
 * @param oldSets oldest first.
 */
export function oldSetReplicas(
  { replicas, maxUnavailable }: Limits,
  newSet: MachineSet,
  oldSets: readonly MachineSet[],
): Map<string, number> {
  const wanted = new Map(oldSets.map((set) => [set.metadata.uid ?? "", replicasOf(set)]));
  const all = [...oldSets, newSet];
  const minAvailable = replicas - maxUnavailable;
  let removable =
    sum(all, replicasOf) - minAvailable - (replicasOf(newSet) - Math.min(availableOf(newSet), replicasOf(newSet)));
  for (const set of oldSets) {
    if (removable <= 0) return wanted;
    const idle = Math.min(removable, Math.max(0, replicasOf(set) - availableOf(set)));
    wanted.set(set.metadata.uid ?? "", replicasOf(set) - idle);
    removable -= idle;
  }
  let spare = sum(all, availableOf) - minAvailable;
  for (const set of oldSets) {
    const uid = set.metadata.uid ?? "";
    const shrink = Math.min(Math.max(0, spare), wanted.get(uid) ?? 0);
    wanted.set(uid, (wanted.get(uid) ?? 0) - shrink);
    spare -= shrink;
  }
  return wanted;
}

/**
 * Replicas while paused: a changed total is spread over the active MachineSets in proportion to their size, and no
 * MachineSet is started that was at zero, unless it is the only one there is.
 * @param sets oldest first.
 */
export function pausedReplicas({ replicas, maxSurge }: Limits, sets: readonly MachineSet[]): Map<string, number> {
  const active = sets.filter((set) => replicasOf(set) > 0);
  const [only = sets.at(-1)] = active;
  if (active.length <= 1) return new Map(only ? [[only.metadata.uid ?? "", replicas]] : []);

  const allowed = replicas === 0 ? 0 : replicas + maxSurge;
  const ordered = active.toSorted((a, b) => replicasOf(b) - replicasOf(a));
  const wanted = new Map<string, number>();
  let left = allowed - sum(active, replicasOf);
  for (const set of ordered) {
    const size = replicasOf(set);
    const former = Number(set.metadata.annotations?.[ANNOTATION_MAX_REPLICAS]) || sum(active, replicasOf);
    const change = replicas === 0 ? -size : Math.round((size * allowed) / former) - size;
    const share = left > 0 ? Math.min(Math.max(0, change), left) : Math.max(Math.min(0, change), left);
    wanted.set(set.metadata.uid ?? "", size + share);
    left -= share;
  }
  const [largest] = ordered;
  const uid = largest?.metadata.uid ?? "";
  wanted.set(uid, Math.max(0, (wanted.get(uid) ?? 0) + left));
  return wanted;
}
