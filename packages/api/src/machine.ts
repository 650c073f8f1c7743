import { Type, type Static } from "typebox";
import { Condition, NodeAddress, type ObjectMeta, Taint, TemplateMeta } from "./object-meta.ts";
import { AnyObject, text, timestamp } from "./schema.ts";
import type { API_VERSION } from "./well-known.ts";

export const MachineSpec = Type.Object({
  metadata: Type.Optional(
    Type.Object(TemplateMeta.properties, { description: "Name, labels and annotations of the Node." }),
  ),
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
  versions: Type.Object(
    {
      kubelet: Type.String({ minLength: 1, description: "Version of the kubelet, for example 1.36.2." }),
      controlPlane: Type.Optional(Type.String({ description: "Accepted and never read." })),
    },
    { description: "What is installed." },
  ),
  configSource: Type.Optional(AnyObject({ description: "Must be unset: dynamic kubelet configuration is gone." })),
});
export type MachineSpec = Static<typeof MachineSpec>;

export const MachineStatus = Type.Object({
  nodeRef: Type.Optional(
    Type.Object(
      {
        apiVersion: text("Its API version."),
        kind: text("Node."),
        name: text("Its name."),
        uid: text("Its UID: a Node that was deleted and made again has another one."),
        resourceVersion: text("Of other writers; not written here."),
      },
      { description: "The Node that the instance joined as." },
    ),
  ),
  versions: Type.Optional(
    Type.Object(
      { kubelet: text("The kubelet's."), controlPlane: text("Of other writers; not written here.") },
      { description: "What the Node says that it runs." },
    ),
  ),
  addresses: Type.Optional(Type.Array(NodeAddress, { description: "Of the instance, as the cloud tells them." })),
  conditions: Type.Optional(
    Type.Array(Condition, {
      description:
        "InstanceReady, BootstrapReady, NodeReady and Ready; NodeSynced once something was refused to its Node; while " +
        "it is deleted also Draining, VolumesDetached, Unregistered and InstanceDeleted.",
    }),
  ),
  errorReason: text("Why nothing goes on until the spec, a Secret or a quota changes; one word for programs."),
  errorMessage: text("The same, for people."),
  phase: Type.Optional(
    Type.String({ description: "Pending, Provisioning, Provisioned, Running, Deleting or Failed." }),
  ),
  lastUpdated: Type.Optional(timestamp({ description: "When this status was written." })),
  lastOperation: Type.Optional(
    Type.Object(
      {
        description: text("What it is doing, or why it failed."),
        lastUpdated: Type.Optional(timestamp({ description: "When this was written." })),
        state: text("Processing, Successful or Failed."),
        type: text("Create or Delete."),
      },
      { description: "What is done for the Machine, or was done last." },
    ),
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
