import type { Invariant } from "./invariant.ts";
import { isDeleting } from "./observed.ts";

export const deletionsEnd: Invariant = {
  name: "deletions end",
  promise: "Whatever was deleted is gone in the end.",
  when: "at rest",
  watch:
    ({ cluster: { objects } }) =>
    () => {
      const all = [
        ...objects.machines.values(),
        ...objects.machineSets.values(),
        ...objects.machineDeployments.values(),
      ];
      const stuck = all.find(isDeleting);
      return (
        stuck &&
        `${stuck.kind} ${stuck.metadata.name} is still being deleted, held by ${stuck.metadata.finalizers?.join(", ")}`
      );
    },
};
