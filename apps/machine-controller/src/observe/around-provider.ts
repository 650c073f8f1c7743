/** A provider whose every call to its cloud runs inside something else. */
import type { Machine } from "@machine-controller/api";
import { keyOf } from "@machine-controller/kube-runtime";
import type { Provider } from "@machine-controller/provider";
import type { Around } from "./work.ts";

export function aroundProvider(provider: Provider, around: Around): Provider {
  const { name } = provider;
  const within = <T>(operation: string, machine: Machine | undefined, run: () => Promise<T>): Promise<T> =>
    around({ kind: "cloud-operation", provider: name, operation, machine: machine ? keyOf(machine) : "" }, run);
  return {
    ...provider,
    validate: (spec, call) => within("validate", undefined, () => provider.validate(spec, call)),
    capacityOf: (spec, call) => within("capacityOf", undefined, () => provider.capacityOf(spec, call)),
    account: (machine, call) => within("account", machine, () => provider.account(machine, call)),
    list: (machine, call) => within("list", machine, () => provider.list(machine, call)),
    get: (machine, call) => within("get", machine, () => provider.get(machine, call)),
    getCloudConfig: (spec, call) => within("getCloudConfig", undefined, () => provider.getCloudConfig(spec, call)),
    create: (machine, request, call) => within("create", machine, () => provider.create(machine, request, call)),
    cleanup: (machine, call) => within("cleanup", machine, () => provider.cleanup(machine, call)),
    migrateUID: (machine, uid, call) => within("migrateUID", machine, () => provider.migrateUID(machine, uid, call)),
    setMetricsForMachines: (machines, call) =>
      within("setMetricsForMachines", undefined, () => provider.setMetricsForMachines(machines, call)),
  };
}
