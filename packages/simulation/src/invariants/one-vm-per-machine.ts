import { lives } from "../clouds/cloud.ts";
import type { Invariant } from "./invariant.ts";

export const oneVmPerMachine: Invariant = {
  name: "one VM per Machine",
  promise: "At no moment do two VMs live that bear the mark of one Machine.",
  when: "always",
  watch:
    ({ cloud, scheduler }) =>
    () => {
      const byUid = new Map<string, string>();
      for (const vm of cloud.vms) {
        if (vm.machineUid === undefined || !lives(vm, scheduler.now())) continue;
        const other = byUid.get(vm.machineUid);
        if (other !== undefined) return `VMs ${other} and ${vm.id} (${vm.name}) both live for Machine ${vm.machineUid}`;
        byUid.set(vm.machineUid, vm.id);
      }
      return undefined;
    },
};
