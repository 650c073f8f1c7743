/** Machines of `machine.k8s.io/v1alpha1`, which have no namespace, and what they become. */
import type { Machine, MachineSpec } from "@machine-controller/api";
import { API_VERSION, FINALIZER_NODE, LABEL_CONTROLLER } from "@machine-controller/api/well-known";
import { defineResource, type KubeObject } from "@machine-controller/kube-client";

export type LegacyMachine = KubeObject & {
  spec: {
    metadata?: { name?: string } & Record<string, unknown>;
    taints?: MachineSpec["taints"];
    providerConfig?: unknown;
    configSource?: MachineSpec["configSource"];
    versions?: { kubelet?: string; controlPlane?: string };
  };
  status?: { nodeRef?: { name?: string } } & Record<string, unknown>;
};

export const legacyMachines = defineResource<LegacyMachine>({
  group: "machine.k8s.io",
  version: "v1alpha1",
  kind: "Machine",
  plural: "machines",
  namespaced: false,
});
export const LEGACY_DEFINITION = "machines.machine.k8s.io";
export const NAMESPACE = "kube-system";

/**
 * On a Machine that is not done yet: the UID that its instance is marked with. No controller acts on such a Machine, since
 * its shard label names none; one that did would not find the instance and make a second.
 */
export const ANNOTATION_MIGRATING = "machine-controller/migrating";
const NO_CONTROLLER = "migration-under-way";

/** As it is created: not yet a controller's. */
export function toMachine(legacy: LegacyMachine): Machine {
  const { name = "", uid = "", labels, annotations, finalizers = [] } = legacy.metadata;
  const { metadata, taints, configSource, versions = {}, providerConfig } = legacy.spec;
  const { kubelet, controlPlane } = versions;
  const migrating = JSON.stringify({ uid, controller: labels?.[LABEL_CONTROLLER] ?? "" });
  return {
    apiVersion: API_VERSION,
    kind: "Machine",
    metadata: {
      name,
      namespace: NAMESPACE,
      labels: { ...labels, [LABEL_CONTROLLER]: NO_CONTROLLER },
      annotations: { ...annotations, [ANNOTATION_MIGRATING]: migrating },
      finalizers: [...new Set([...finalizers, FINALIZER_NODE])],
    },
    spec: {
      // The instance's name: it stays what it is, whatever the new Machine is called.
      metadata: { ...metadata, name: metadata?.name || name },
      ...(taints !== undefined && { taints }),
      ...(configSource !== undefined && { configSource }),
      providerSpec: { value: providerConfig },
      versions: { ...(kubelet !== undefined && { kubelet }), ...(controlPlane !== undefined && { controlPlane }) },
    },
    ...(legacy.status !== undefined && { status: legacy.status }),
  } as Machine;
}

export type Migrating = { uid: string; controller: string };

/** undefined: the Machine is done, or never was a legacy one. */
export function migratingOf({ metadata }: Machine): Migrating | undefined {
  const text = metadata.annotations?.[ANNOTATION_MIGRATING];
  return text === undefined ? undefined : (JSON.parse(text) as Migrating);
}

/** The last step: hands the Machine to the controller that the legacy one was for. */
export const releasePatch = ({ controller }: Migrating): object => ({
  metadata: {
    labels: { [LABEL_CONTROLLER]: controller || null },
    annotations: { [ANNOTATION_MIGRATING]: null },
  },
});
