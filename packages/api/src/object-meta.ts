import { Type, type Static } from "typebox";
import { int32, timestamp } from "./schema.ts";

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

const StringMap = Type.Record(Type.String(), Type.String());

/** `metadata` inside a spec or template: only these fields are ever used. */
export const TemplateMeta = Type.Object({
  name: Type.Optional(Type.String()),
  generateName: Type.Optional(Type.String()),
  namespace: Type.Optional(Type.String()),
  labels: Type.Optional(StringMap),
  annotations: Type.Optional(StringMap),
  finalizers: Type.Optional(Type.Array(Type.String())),
  creationTimestamp: Type.Optional(timestamp()),
});
export type TemplateMeta = Static<typeof TemplateMeta>;

export const LabelSelector = Type.Object(
  {
    matchLabels: Type.Optional(StringMap),
    matchExpressions: Type.Optional(
      Type.Array(
        Type.Object({
          key: Type.String(),
          operator: Type.String({ description: "In, NotIn, Exists or DoesNotExist." }),
          values: Type.Optional(Type.Array(Type.String())),
        }),
      ),
    ),
  },
  { description: "Selects Machines by label; must match the template's labels." },
);
export type LabelSelector = Static<typeof LabelSelector>;

export const Taint = Type.Object({
  key: Type.String(),
  value: Type.Optional(Type.String()),
  effect: Type.String({ description: "NoSchedule, PreferNoSchedule or NoExecute." }),
  timeAdded: Type.Optional(timestamp()),
});
export type Taint = Static<typeof Taint>;

/** A condition in the form of `corev1.NodeCondition`. */
export const Condition = Type.Object({
  type: Type.String(),
  status: Type.String({ description: "True, False or Unknown." }),
  lastHeartbeatTime: Type.Optional(timestamp()),
  lastTransitionTime: Type.Optional(timestamp()),
  reason: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
});
export type Condition = Static<typeof Condition>;

export const NodeAddress = Type.Object({
  type: Type.String({ description: "Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS." }),
  address: Type.String(),
});
export type NodeAddress = Static<typeof NodeAddress>;

export const ObservedGeneration = Type.Optional(Type.Integer({ format: "int64" }));
export const SelectorText = Type.Optional(
  Type.String({ description: "spec.selector as text, for the scale subresource." }),
);
export const ReplicaCount = (description: string) => Type.Optional(int32({ description }));
