import type { Invariant } from "./invariant.ts";
import { isDeleting, ownerUid } from "./observed.ts";

export const replicasAreReached: Invariant = {
  name: "replicas are reached",
  promise:
    "In the end every MachineDeployment has as many Machines as it wants, all of its current template unless that waits " +
    "for somebody to delete the old ones.",
  when: "at rest",
  watch:
    ({ cluster: { objects } }) =>
    () => {
      for (const { metadata, spec } of objects.machineDeployments.values()) {
        if (metadata.deletionTimestamp !== undefined) continue;
        const sets = [...objects.machineSets.values()].filter((set) => ownerUid(set) === metadata.uid);
        const machines = [...objects.machines.values()].filter(
          (machine) => !isDeleting(machine) && sets.some((set) => set.metadata.uid === ownerUid(machine)),
        );
        if (machines.length !== (spec.replicas ?? 1)) {
          return `MachineDeployment ${metadata.name} wants ${spec.replicas} Machines and has ${machines.length}`;
        }
        if (spec.strategy?.type === "OnDelete") continue;
        const { kubelet } = spec.template.spec.versions;
        const old = machines.find((machine) => machine.spec.versions.kubelet !== kubelet);
        if (old !== undefined) return `Machine ${old.metadata.name} is of an old template of ${metadata.name}`;
      }
      return undefined;
    },
};
