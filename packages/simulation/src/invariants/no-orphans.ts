import { exists } from "../clouds/cloud.ts";
import type { Invariant } from "./invariant.ts";

export const noOrphans: Invariant = {
  name: "no VM without its Machine",
  promise: "Once nothing happens any more, every VM that bears our mark has its Machine.",
  when: "at rest",
  watch:
    ({ cloud, cluster, scheduler }) =>
    () => {
      const orphan = cloud.vms.find(
        (vm) =>
          vm.machineUid !== undefined && exists(vm, scheduler.now()) && !cluster.objects.machines.has(vm.machineUid),
      );
      return orphan && `VM ${orphan.id} (${orphan.name}) has outlived Machine ${orphan.machineUid}`;
    },
};
