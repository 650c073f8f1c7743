/** How the strategy moves Machines from the MachineSets of older templates to that of the current one. */
import type { MachineSet } from "@machine-controller/api";
import { withTemplateMetadata } from "../machine-set/metadata-sync.ts";
import { mergePatchFrom } from "../merge-patch.ts";
import { inPlaceTemplate } from "./current-set.ts";
import type { Decision } from "./decision.ts";
import { replicaAnnotations, currentAnnotations } from "./revision.ts";
import {
  newSetReplicas,
  oldSetReplicas,
  onDeleteReplicas,
  pausedReplicas,
  type Replicas,
  strategyOf,
} from "./rollout.ts";
import { isPaused, type SetView, type Snapshot } from "./snapshot.ts";

/** Whether the MachineSet of the current template may be made. */
export const mayCreateNewSet = (snapshot: Snapshot): boolean =>
  strategyOf(snapshot.deployment) !== "Recreate" || oldMachines(snapshot) === 0;

/** The first MachineSet that is not as it should be, and all that it lacks in one patch. */
export function decideReplicas(snapshot: Snapshot): Decision | undefined {
  const wanted = replicasByUid(snapshot);
  // Shrinking first: what is given up makes room for what is made.
  const ordered = snapshot.sets.toSorted((a, b) => changeOf(a, wanted) - changeOf(b, wanted));
  for (const view of ordered) {
    const decision = decideSet(view, wanted.get(view.size.uid) ?? view.size.replicas, snapshot);
    if (decision !== undefined) return decision;
  }
  return undefined;
}

const changeOf = ({ size }: SetView, wanted: Replicas): number =>
  (wanted.get(size.uid) ?? size.replicas) - size.replicas;

function replicasByUid(snapshot: Snapshot): Replicas {
  const { deployment, limits, newSet, oldSets } = snapshot;
  const sizes = oldSets.map(({ size }) => size);
  if (isPaused(snapshot)) {
    return pausedReplicas(
      limits,
      snapshot.sets.map(({ size }) => size),
      newSet?.size,
    );
  }
  const current = newSet?.size;
  switch (strategyOf(deployment)) {
    case "Recreate": {
      const gone = new Map(sizes.map(({ uid }) => [uid, 0]));
      if (current === undefined) return gone;
      const mayGrow = oldMachines(snapshot) === 0;
      return gone.set(current.uid, mayGrow ? limits.replicas : Math.min(current.replicas, limits.replicas));
    }
    case "OnDelete": {
      const wanted = onDeleteReplicas(limits, current, sizes);
      return new Map([...wanted.oldSets, ...(current ? [[current.uid, wanted.newSet] as const] : [])]);
    }
    case "RollingUpdate": {
      if (current === undefined) return new Map();
      const replicas = newSetReplicas(limits, current.replicas, [...sizes, current]);
      const grown = { ...current, replicas };
      return new Map([...oldSetReplicas(limits, grown, sizes), [current.uid, replicas]]);
    }
  }
}

/** Those that are being deleted count, and those that may be made yet: with Recreate, no two templates ever run at once. */
const oldMachines = ({ oldSets, orphanedMachines }: Snapshot): number =>
  oldSets.reduce(
    (total, { size, leaving }) => total + Math.max(size.replicas, size.existing) + leaving.length,
    orphanedMachines,
  );

function decideSet(view: SetView, replicas: number, snapshot: Snapshot): Decision | undefined {
  const { set, size } = view;
  const part = ({ metadata: { labels = {}, annotations = {} }, spec }: MachineSet) => ({
    metadata: { labels, annotations },
    spec,
  });
  const patch = mergePatchFrom(part(set), part(wantedSet(view, replicas, snapshot)));
  if (patch === undefined) return undefined;
  if (replicas === size.replicas) {
    return { kind: "patch-set", set, why: "annotations or settings are not those of its MachineDeployment", patch };
  }
  const direction = replicas > size.replicas ? "up" : "down";
  const message = `Scaled ${direction} MachineSet ${set.metadata.name} from ${size.replicas} to ${replicas}`;
  const event = { type: "Normal", reason: "ScalingMachineSet", message } as const;
  return { kind: "patch-set", set, why: `its strategy has it scaled ${direction} to ${replicas}`, patch, event };
}

function wantedSet(view: SetView, replicas: number, snapshot: Snapshot): MachineSet {
  const { deployment, limits, newSet, oldSets, updatesMetadataInPlace } = snapshot;
  const { deletePolicy, minReadySeconds = 0, template } = deployment.spec;
  const isNew = view === newSet;
  const isPlaced = isNew && updatesMetadataInPlace && !isPaused(snapshot);
  const set = isPlaced ? withTemplateMetadata(view.set, inPlaceTemplate(view.set, template)) : view.set;
  const isUsed = view.size.replicas + replicas > 0;
  const isCounted = replicas !== view.size.replicas || (isUsed && (isNew || isPaused(snapshot)));
  return {
    ...set,
    metadata: {
      ...set.metadata,
      annotations: {
        ...(isNew
          ? currentAnnotations(
              deployment,
              set,
              oldSets.map((old) => old.set),
            )
          : set.metadata.annotations),
        ...(isCounted && replicaAnnotations(limits)),
      },
    },
    spec: {
      ...set.spec,
      replicas,
      ...(deletePolicy && isUsed && { deletePolicy }),
      ...(isNew && (set.spec.minReadySeconds ?? 0) !== minReadySeconds && { minReadySeconds }),
    },
  };
}
