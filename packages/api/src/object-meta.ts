import { Type, type Static } from "typebox";
import { int32, text, timestamp } from "./schema.ts";

export const OwnerReference = Type.Object({
  apiVersion: Type.String(),
  kind: Type.String(),
  name: Type.String(),
  uid: Type.String(),
  controller: Type.Optional(Type.Boolean()),
  blockOwnerDeletion: Type.Optional(Type.Boolean()),
});
export type OwnerReference = Static<typeof OwnerReference>;

/** `metadata` of an object as the API server serves it. */
export type ObjectMeta = {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
};

const stringMap = (description: string) => Type.Optional(Type.Record(Type.String(), Type.String(), { description }));

/** `metadata` inside a spec or template: only these fields are ever used. */
export const TemplateMeta = Type.Object({
  name: text("Name of the instance and of its Node, in a Machine's spec.metadata; no meaning elsewhere."),
  generateName: text("Accepted and never read."),
  namespace: text("Accepted and never read."),
  labels: stringMap("In a template: labels of its Machines. In spec.metadata of a Machine: labels of its Node."),
  annotations: stringMap(
    "In a template: annotations of its Machines. In spec.metadata of a Machine: annotations of its Node.",
  ),
  finalizers: Type.Optional(Type.Array(Type.String(), { description: "Accepted and never read." })),
  creationTimestamp: Type.Optional(timestamp({ description: "Accepted and never read." })),
});
export type TemplateMeta = Static<typeof TemplateMeta>;

export const LabelSelector = Type.Object(
  {
    matchLabels: stringMap("Labels that must be there with these values."),
    matchExpressions: Type.Optional(
      Type.Array(
        Type.Object({
          key: Type.String({ description: "Name of the label." }),
          operator: Type.String({ description: "In, NotIn, Exists or DoesNotExist." }),
          values: Type.Optional(Type.Array(Type.String(), { description: "For In and NotIn: at least one." })),
        }),
        { description: "Conditions on labels; all of them must hold." },
      ),
    ),
  },
  { description: "Selects Machines by label; must match the template's labels." },
);
export type LabelSelector = Static<typeof LabelSelector>;

export const Taint = Type.Object({
  key: Type.String({ description: "Name of the taint." }),
  value: text("Value of the taint."),
  effect: Type.String({ description: "NoSchedule, PreferNoSchedule or NoExecute." }),
  timeAdded: Type.Optional(timestamp({ description: "Accepted and never read." })),
});
export type Taint = Static<typeof Taint>;

/** A condition in the form of `corev1.NodeCondition`. */
export const Condition = Type.Object({
  type: Type.String({ description: "What it tells about." }),
  status: Type.String({ description: "True, False or Unknown." }),
  lastHeartbeatTime: Type.Optional(timestamp({ description: "Of other writers; not written here." })),
  lastTransitionTime: Type.Optional(timestamp({ description: "When status became what it is." })),
  reason: text("One word for programs."),
  message: text("A sentence for people."),
});
export type Condition = Static<typeof Condition>;

export const NodeAddress = Type.Object({
  type: Type.String({ description: "Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS." }),
  address: Type.String({ description: "IP address or host name." }),
});
export type NodeAddress = Static<typeof NodeAddress>;

export const ObservedGeneration = Type.Optional(
  Type.Integer({ format: "int64", description: "The metadata.generation that this status is about." }),
);
export const SelectorText = Type.Optional(
  Type.String({ description: "spec.selector as text, for the scale subresource." }),
);
export const ReplicaCount = (description: string) => Type.Optional(int32({ description }));
