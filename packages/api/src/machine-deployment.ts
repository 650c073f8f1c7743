import { Type, type Static } from "typebox";
import { MachineTemplate } from "./machine-set.ts";
import { Condition, LabelSelector, type ObjectMeta, ObservedGeneration, ReplicaCount } from "./object-meta.ts";
import { int32, IntOrString } from "./schema.ts";
import type { API_VERSION } from "./well-known.ts";

export const MachineDeploymentSpec = Type.Object({
  replicas: Type.Optional(int32({ minimum: 0, description: "Wanted number of Machines; 1 when unset." })),
  selector: LabelSelector,
  template: MachineTemplate,
  strategy: Type.Optional(
    Type.Object({
      type: Type.Optional(Type.String({ description: "RollingUpdate (the default)." })),
      rollingUpdate: Type.Optional(
        Type.Object({
          maxSurge: Type.Optional(
            IntOrString({ description: "Machines above replicas during a rollout; 1 when unset." }),
          ),
          maxUnavailable: Type.Optional(
            IntOrString({ description: "Machines below replicas during a rollout; 0 when unset." }),
          ),
        }),
      ),
    }),
  ),
  minReadySeconds: Type.Optional(
    int32({ minimum: 0, description: "Seconds that a Node must be Ready before its Machine counts as available." }),
  ),
  revisionHistoryLimit: Type.Optional(int32({ description: "Old MachineSets to keep; 1 when unset." })),
  paused: Type.Optional(Type.Boolean({ description: "Nothing is rolled out while true." })),
  progressDeadlineSeconds: Type.Optional(
    int32({ description: "Seconds without progress after which a rollout is stuck; 600 when unset." }),
  ),
});
export type MachineDeploymentSpec = Static<typeof MachineDeploymentSpec>;

export const MachineDeploymentStatus = Type.Object({
  observedGeneration: ObservedGeneration,
  replicas: ReplicaCount("Machines that exist."),
  updatedReplicas: ReplicaCount("Those made from the current template."),
  readyReplicas: ReplicaCount("Those whose Node is Ready."),
  availableReplicas: ReplicaCount("Those whose Node has been Ready for minReadySeconds."),
  unavailableReplicas: ReplicaCount("Those wanted and not available."),
  conditions: Type.Optional(Type.Array(Condition)),
});
export type MachineDeploymentStatus = Static<typeof MachineDeploymentStatus>;

export type MachineDeployment = {
  apiVersion: typeof API_VERSION;
  kind: "MachineDeployment";
  metadata: ObjectMeta;
  spec: MachineDeploymentSpec;
  status?: MachineDeploymentStatus;
};
