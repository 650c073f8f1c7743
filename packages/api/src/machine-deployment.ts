import { Type, type Static } from "typebox";
import { DeletePolicy, MachineTemplate } from "./machine-set.ts";
import {
  Condition,
  LabelSelector,
  type ObjectMeta,
  ObservedGeneration,
  ReplicaCount,
  SelectorText,
} from "./object-meta.ts";
import { int32, IntOrString, timestamp } from "./schema.ts";
import type { API_VERSION } from "./well-known.ts";

export const MachineDeploymentSpec = Type.Object({
  replicas: Type.Optional(int32({ minimum: 0, description: "Wanted number of Machines; 1 when unset." })),
  selector: LabelSelector,
  template: MachineTemplate,
  strategy: Type.Optional(
    Type.Object(
      {
        type: Type.Optional(
          Type.String({
            description:
              "RollingUpdate (the default); Recreate: all old Machines go before a new one is made; OnDelete: a new Machine " +
              "is made when somebody deletes an old one.",
          }),
        ),
        rollingUpdate: Type.Optional(
          Type.Object(
            {
              maxSurge: Type.Optional(
                IntOrString({ description: "Machines above replicas during a rollout; 1 when unset." }),
              ),
              maxUnavailable: Type.Optional(
                IntOrString({ description: "Machines below replicas during a rollout; 0 when unset." }),
              ),
            },
            { description: "For RollingUpdate: numbers, or shares of replicas such as 25%." },
          ),
        ),
      },
      { description: "How Machines of an old template give way to those of a new one." },
    ),
  ),
  minReadySeconds: Type.Optional(
    int32({ minimum: 0, description: "Seconds that a Node must be Ready before its Machine counts as available." }),
  ),
  deletePolicy: DeletePolicy(
    "Which Machines of a MachineSet go first on scale-down; when unset, the MachineSets keep what they have.",
  ),
  revisionHistoryLimit: Type.Optional(int32({ description: "Old MachineSets to keep; 1 when unset." })),
  paused: Type.Optional(Type.Boolean({ description: "Nothing is rolled out while true." })),
  progressDeadlineSeconds: Type.Optional(
    int32({ description: "Seconds without progress after which a rollout is stuck; 600 when unset." }),
  ),
});
export type MachineDeploymentSpec = Static<typeof MachineDeploymentSpec>;

/** As `apps/v1` has it: the progress deadline counts from `lastUpdateTime`. */
export const DeploymentCondition = Type.Object({
  ...Condition.properties,
  lastUpdateTime: Type.Optional(timestamp({ description: "When something of it changed last." })),
});
export type DeploymentCondition = Static<typeof DeploymentCondition>;

export const MachineDeploymentStatus = Type.Object({
  observedGeneration: ObservedGeneration,
  replicas: ReplicaCount("Machines that exist."),
  updatedReplicas: ReplicaCount("Those made from the current template."),
  readyReplicas: ReplicaCount("Those whose Node is Ready."),
  availableReplicas: ReplicaCount("Those whose Node has been Ready for minReadySeconds."),
  unavailableReplicas: ReplicaCount("Those wanted and not available."),
  labelSelector: SelectorText,
  collisionCount: Type.Optional(
    int32({ description: "How often the name for a new MachineSet was taken; part of the next name." }),
  ),
  conditions: Type.Optional(
    Type.Array(DeploymentCondition, {
      description: "Available, Progressing and ReplicaFailure, with the reasons of apps/v1 Deployments.",
    }),
  ),
});
export type MachineDeploymentStatus = Static<typeof MachineDeploymentStatus>;

export type MachineDeployment = {
  apiVersion: typeof API_VERSION;
  kind: "MachineDeployment";
  metadata: ObjectMeta;
  spec: MachineDeploymentSpec;
  status?: MachineDeploymentStatus;
};
