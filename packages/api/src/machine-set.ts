import { Type, type Static } from "typebox";
import { MachineSpec } from "./machine.ts";
import {
  Condition,
  LabelSelector,
  type ObjectMeta,
  ObservedGeneration,
  ReplicaCount,
  SelectorText,
  TemplateMeta,
} from "./object-meta.ts";
import { int32, text } from "./schema.ts";
import type { API_VERSION } from "./well-known.ts";

export const MachineTemplate = Type.Object(
  {
    metadata: Type.Optional(
      Type.Object(TemplateMeta.properties, { description: "Labels and annotations of its Machines." }),
    ),
    spec: Type.Object(MachineSpec.properties, { description: "Of each of its Machines." }),
  },
  { description: "What its Machines are made from." },
);
export type MachineTemplate = Static<typeof MachineTemplate>;

export const DELETE_POLICIES = ["Random", "Newest", "Oldest"] as const;
export const DeletePolicy = (description: string) =>
  Type.Optional(Type.Enum(["", ...DELETE_POLICIES], { description }));

export const MachineSetSpec = Type.Object({
  replicas: Type.Optional(int32({ minimum: 0, description: "Wanted number of Machines; 1 when unset." })),
  minReadySeconds: Type.Optional(
    int32({ minimum: 0, description: "Seconds that a Node must be Ready before its Machine counts as available." }),
  ),
  deletePolicy: DeletePolicy("Which Machines go first on scale-down; Random when unset."),
  selector: LabelSelector,
  template: MachineTemplate,
});
export type MachineSetSpec = Static<typeof MachineSetSpec>;

export const MachineSetStatus = Type.Object({
  replicas: ReplicaCount("Machines that exist."),
  fullyLabeledReplicas: ReplicaCount("Those that carry every label of the template."),
  readyReplicas: ReplicaCount("Those whose Node is Ready."),
  availableReplicas: ReplicaCount("Those whose Node has been Ready for minReadySeconds."),
  observedGeneration: ObservedGeneration,
  errorReason: Type.Optional(Type.String({ description: "InvalidConfiguration while the spec cannot be acted on." })),
  errorMessage: text("The same, for people."),
  labelSelector: SelectorText,
  conditions: Type.Optional(
    Type.Array(Condition, { description: "ReplicaFailure while Machines cannot be created or deleted." }),
  ),
});
export type MachineSetStatus = Static<typeof MachineSetStatus>;

export type MachineSet = {
  apiVersion: typeof API_VERSION;
  kind: "MachineSet";
  metadata: ObjectMeta;
  spec: MachineSetSpec;
  status?: MachineSetStatus;
};
