import { exists, type Vm } from "../clouds/cloud.ts";
import { ACCOUNT } from "../world/credentials.ts";
import type { Invariant } from "./invariant.ts";

export const noOrphans: Invariant = {
  name: "no VM without its Machine",
  promise:
    "Once nothing happens any more, every VM that bears our mark has its Machine, unless nobody has a credential for it.",
  when: "at rest",
  watch:
    ({ cloud, cluster: { objects }, scheduler, wishes }) =>
    () => {
      const hasCredential = objects.machines.size + objects.machineDeployments.size > 0;
      const canBeFound = ({ account }: Vm): boolean => hasCredential && account === ACCOUNT;
      const orphan = cloud.vms.find(
        (vm) =>
          vm.machineUid !== undefined &&
          exists(vm, scheduler.now()) &&
          !objects.machines.has(vm.machineUid) &&
          (canBeFound(vm) || !wishes.freed.has(vm.machineUid)),
      );
      return orphan && `VM ${orphan.id} (${orphan.name}) has outlived Machine ${orphan.machineUid}`;
    },
};
