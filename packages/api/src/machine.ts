import { Type, type Static } from "typebox";
import { Condition, NodeAddress, type ObjectMeta, Taint, TemplateMeta } from "./object-meta.ts";
import { AnyObject, timestamp } from "./schema.ts";
import type { API_VERSION } from "./well-known.ts";

export const MachineSpec = Type.Object({
  metadata: Type.Optional(TemplateMeta),
  taints: Type.Optional(Type.Array(Taint, { description: "Put on the Node." })),
  providerSpec: Type.Object(
    {
      value: Type.Optional(
        AnyObject({ description: "Cloud, its settings, operating system: see the docs of each provider." }),
      ),
      valueFrom: Type.Optional(AnyObject({ description: "Accepted and never read." })),
    },
    { description: "How to create the instance." },
  ),
  providerID: Type.Optional(Type.String({ description: "Set once by the controller; identifies the Node." })),
  versions: Type.Object({
    kubelet: Type.String({ minLength: 1, description: "Version of the kubelet, for example 1.36.2." }),
    controlPlane: Type.Optional(Type.String({ description: "Accepted and never read." })),
  }),
  configSource: Type.Optional(AnyObject({ description: "Must be unset: dynamic kubelet configuration is gone." })),
});
export type MachineSpec = Static<typeof MachineSpec>;

export const MachineStatus = Type.Object({
  nodeRef: Type.Optional(
    Type.Object({
      apiVersion: Type.Optional(Type.String()),
      kind: Type.Optional(Type.String()),
      name: Type.Optional(Type.String()),
      uid: Type.Optional(Type.String()),
      resourceVersion: Type.Optional(Type.String()),
    }),
  ),
  versions: Type.Optional(
    Type.Object({ kubelet: Type.Optional(Type.String()), controlPlane: Type.Optional(Type.String()) }),
  ),
  addresses: Type.Optional(Type.Array(NodeAddress)),
  conditions: Type.Optional(Type.Array(Condition)),
  errorReason: Type.Optional(Type.String()),
  errorMessage: Type.Optional(Type.String()),
  phase: Type.Optional(
    Type.String({ description: "Pending, Provisioning, Provisioned, Running, Deleting or Failed." }),
  ),
  lastUpdated: Type.Optional(timestamp()),
  lastOperation: Type.Optional(
    Type.Object({
      description: Type.Optional(Type.String()),
      lastUpdated: Type.Optional(timestamp()),
      state: Type.Optional(Type.String()),
      type: Type.Optional(Type.String()),
    }),
  ),
  providerStatus: Type.Optional(AnyObject({ description: "Private state of some providers." })),
});
export type MachineStatus = Static<typeof MachineStatus>;

export type Machine = {
  apiVersion: typeof API_VERSION;
  kind: "Machine";
  metadata: ObjectMeta;
  spec: MachineSpec;
  status?: MachineStatus;
};

/** Name of the instance and of the Node: `spec.metadata.name`, or the Machine's own. */
export const instanceNameOf = (machine: Machine): string =>
  machine.spec.metadata?.name || (machine.metadata.name ?? "");
