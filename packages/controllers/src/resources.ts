import type { Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import { GROUP, VERSION } from "@machine-controller/api/well-known";
import { defineResource } from "@machine-controller/kube-client";

const kind = (kind: string) => ({
  group: GROUP,
  version: VERSION,
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: true,
});

export const machines = defineResource<Machine>(kind("Machine"));
export const machineSets = defineResource<MachineSet>(kind("MachineSet"));
export const machineDeployments = defineResource<MachineDeployment>(kind("MachineDeployment"));
