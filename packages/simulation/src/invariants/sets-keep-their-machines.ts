import type { Machine, MachineSet } from "@machine-controller/api";
import type { Invariant } from "./invariant.ts";
import {
  createRecent,
  createTakenAway,
  isByController,
  isDeleting,
  isStraggler,
  ownerUid,
  targetOf,
} from "./observed.ts";

export const setsKeepTheirMachines: Invariant = {
  name: "MachineSets delete only what is too many",
  promise: "The controllers delete a Machine of a MachineSet only while more of them live than the set wanted lately.",
  when: "always",
  watch(world) {
    const { cluster, onEffect, scenario } = world;
    const wanted = createRecent<number>(world);
    const takenAway = createTakenAway(world);
    const byName = new Map<string, Machine>();
    const deleting = new Set<string>();
    let broken: string | undefined;

    cluster.onChange(({ kind, type, object, old }) => {
      const uid = object.metadata.uid ?? "";
      if (kind === "machineSets") {
        const { spec } = object as unknown as MachineSet;
        const replicas = type === "DELETED" || isDeleting(object) ? 0 : (spec.replicas ?? 1);
        // None was made yet is not that none is wanted.
        if (type !== "ADDED" || replicas > 0) wanted.note(uid, replicas);
      }
      if (kind !== "machines") return;
      byName.set(object.metadata.name ?? "", object as unknown as Machine);
      if (old !== undefined && isDeleting(old)) deleting.add(uid);
    });
    onEffect(({ message, status }) => {
      const name = message.method === "DELETE" && status < 300 ? targetOf(message, "machines") : undefined;
      const machine = byName.get(name ?? "");
      const set = machine && ownerUid(machine);
      if (set === undefined || !isByController(message) || isStraggler(message, world)) return;
      // A Machine that never joined is given up by design.
      if (scenario.joinClusterTimeoutMs !== undefined && !machine?.status?.nodeRef) return;
      const left = [...cluster.objects.machines.values()].filter(
        (other) => ownerUid(other) === set && !isDeleting(other),
      );
      const lately = wanted.of(set);
      const least = lately.length === 0 ? 0 : Math.min(...lately);
      if (left.length + takenAway() < least && !deleting.has(machine?.metadata.uid ?? "")) {
        broken ??= `Machine ${name} is deleted: ${left.length} are left and its MachineSet wanted at least ${least}`;
      }
    });
    return () => broken;
  },
};
