import { recordOf } from "@machine-controller/api";
import { exists } from "../clouds/cloud.ts";
import type { World } from "../world/world.ts";
import type { Invariant } from "./invariant.ts";
import { createRecent, isDeleting, isNodeReady, isReady, ownerUid } from "./observed.ts";

export const statusTellsTheTruth: Invariant = {
  name: "status tells the truth",
  promise: "No Machine turns Ready unless its Node was lately; in the end every status says exactly what is.",
  when: "at rest",
  watch(world) {
    const { cluster, cloud, scheduler } = world;
    const { nodes } = cluster.objects;
    const nodeReady = createRecent<boolean>(world);
    let broken: string | undefined;

    cluster.onChange(({ kind, type, object, old }) => {
      if (kind === "nodes") nodeReady.note(object.metadata.name ?? "", type !== "DELETED" && isNodeReady(object));
      if (kind !== "machines" || type === "DELETED") return;
      const [now, before] = [object as never, old as never];
      if (!isReady(now) || (old !== undefined && isReady(before))) return;
      const node = (object as { status?: { nodeRef?: { name?: string } } }).status?.nodeRef?.name ?? "";
      if (!nodeReady.of(node).includes(true))
        broken ??= `Machine ${object.metadata.name} turned Ready, and its Node ${node} was not`;
    });
    return () => {
      if (broken !== undefined) return broken;
      for (const machine of cluster.objects.machines.values()) {
        const { name } = machine.metadata;
        if (isDeleting(machine)) continue;
        const { nodeRef } = machine.status ?? {};
        const node = [...nodes.values()].find(({ metadata }) => metadata.name === nodeRef?.name);
        if (nodeRef !== undefined && node === undefined)
          return `Machine ${name} refers to Node ${nodeRef.name}, which is gone`;
        if (isReady(machine) !== (node !== undefined && isNodeReady(node))) {
          return `Machine ${name} says Ready=${isReady(machine)}, and its Node says otherwise`;
        }
        const record = recordOf(machine);
        const vm = cloud.vms.find(({ id }) => id === record?.id);
        if (isReady(machine) && (vm === undefined || !exists(vm, scheduler.now()))) {
          return `Machine ${name} is Ready on instance ${record?.id}, which is gone`;
        }
      }
      return untrueCounts(world);
    };
  },
};

function untrueCounts({ cluster: { objects } }: World): string | undefined {
  for (const set of objects.machineSets.values()) {
    const machines = [...objects.machines.values()].filter(
      (machine) => ownerUid(machine) === set.metadata.uid && !isDeleting(machine),
    );
    const ready = machines.filter(isReady).length;
    const { replicas, readyReplicas = 0 } = set.status ?? {};
    if (replicas !== machines.length || readyReplicas !== ready) {
      return `MachineSet ${set.metadata.name} says ${replicas} Machines, ${readyReplicas} Ready; there are ${machines.length}, ${ready} Ready`;
    }
  }
  return undefined;
}
