import { intentOf, recordOf } from "@machine-controller/api";
import { ANNOTATION_ABANDON, FINALIZER_INSTANCE, LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import { exists } from "../clouds/cloud.ts";
import type { Invariant } from "./invariant.ts";
import { asMachine, isByController, isDeleting, targetOf } from "./observed.ts";

export const nothingDestroyedInDoubt: Invariant = {
  name: "nothing is destroyed in doubt",
  promise:
    "A VM is deleted only for a Machine that is being deleted or gone, replaced only when it is really gone, and given up " +
    "only then; a Node goes only with its Machine.",
  when: "always",
  watch({ cluster, cloud, scheduler, wishes, onEffect }) {
    let broken: string | undefined;
    const { machines } = cluster.objects;
    /** Node name → UID of the Machine that owned it last. */
    const owners = new Map<string, string>();
    /** UIDs of Machines that the controllers let go: no VM of theirs may be left, nor come. */
    const released = new Set<string>();

    onEffect(({ message, status }) => {
      if (message.method !== "DELETE" || status >= 300 || !isByController(message)) return;
      const id = message.to.kind === "cloud" ? message.path.split("/").at(-1) : undefined;
      const vm = cloud.vms.find((other) => other.id === id);
      const machine = machines.get(vm?.machineUid ?? "");
      if (vm && machine && !isDeleting(machine)) broken ??= `VM ${vm.id} is deleted, and its Machine ${vm.name} is not`;
    });
    cluster.onChange(({ kind, type, object, old }) => {
      if (kind === "nodes") {
        owners.set(object.metadata.name ?? "", object.metadata.labels?.[LABEL_NODE_OWNER] ?? "");
        return;
      }
      if (kind !== "machines" || old === undefined) return;
      const [now, before] = [asMachine(object), asMachine(old)];
      const uid = now.metadata.uid ?? "";
      const alive = cloud.vms.filter((vm) => vm.machineUid === uid && exists(vm, scheduler.now()));
      const attempt = intentOf(now)?.attempt ?? 0;
      const replaced = alive.find(({ id }) => id === recordOf(before)?.id);
      if (attempt > (intentOf(before)?.attempt ?? attempt) && replaced !== undefined) {
        broken ??= `VM ${replaced.id} of Machine ${now.metadata.name} is replaced, and it is still there`;
      }
      const isReleased = type === "DELETED" || !now.metadata.finalizers?.includes(FINALIZER_INSTANCE);
      const wasHeld = before.metadata.finalizers?.includes(FINALIZER_INSTANCE) === true;
      const isAbandoned = now.metadata.annotations?.[ANNOTATION_ABANDON] === "true" || wishes.freed.has(uid);
      if (isReleased && wasHeld && !isAbandoned) released.add(uid);
      if (isReleased && wasHeld && !isAbandoned && alive[0] !== undefined) {
        broken ??= `Machine ${now.metadata.name} is let go, and its VM ${alive[0].id} is still there`;
      }
    });
    onEffect(({ message, status }) => {
      const name = message.method === "DELETE" && status < 300 ? targetOf(message, "nodes") : undefined;
      if (name === undefined || !isByController(message)) return;
      const machine = machines.get(owners.get(name) ?? "");
      if (machine && !isDeleting(machine)) broken ??= `Node ${name} is deleted, and its Machine is not`;
    });
    return () => {
      const late = cloud.vms.findLast((vm) => released.has(vm.machineUid ?? "") && exists(vm, scheduler.now()));
      return broken ?? (late && `VM ${late.id} is made for Machine ${late.name}, which was let go`);
    };
  },
};
