/** The MachineSet that a MachineDeployment makes of its template. */
import { createHash } from "node:crypto";
import { canonicalTemplate, type MachineDeployment, type MachineSet } from "@machine-controller/api";
import {
  ANNOTATION_REVISION,
  API_VERSION,
  FINALIZER_FOREGROUND,
  LABEL_TEMPLATE_HASH,
} from "@machine-controller/api/well-known";
import { toSuffix } from "../names.ts";
import { controllerReference } from "../ownership.ts";
import { copiedAnnotations, replicaAnnotations } from "./revision.ts";
import type { Limits } from "./rollout.ts";

/**
 * The same template gives the same name, unless `status.collisionCount` says that it was taken. It has no Machines yet: a
 * request to create it may arrive long after it was sent, and one to scale it only if nothing has changed since.
 */
export function machineSetFrom(
  deployment: MachineDeployment,
  options: { limits: Limits; revision: number },
): MachineSet {
  const { metadata, spec, status } = deployment;
  const digest = createHash("sha256").update(canonicalTemplate(spec.template)).digest();
  const hash = `${digest.readUInt32BE()}${status?.collisionCount || ""}`;
  const labels = { ...spec.template.metadata?.labels, [LABEL_TEMPLATE_HASH]: hash };
  return {
    apiVersion: API_VERSION,
    kind: "MachineSet",
    metadata: {
      name: `${metadata.name}-${toSuffix(hash)}`,
      namespace: metadata.namespace ?? "",
      labels,
      annotations: {
        ...copiedAnnotations(metadata),
        [ANNOTATION_REVISION]: String(options.revision),
        ...replicaAnnotations(options.limits),
      },
      finalizers: [FINALIZER_FOREGROUND],
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: 0,
      minReadySeconds: spec.minReadySeconds ?? 0,
      ...(spec.deletePolicy && { deletePolicy: spec.deletePolicy }),
      selector: {
        ...spec.selector,
        matchLabels: { ...spec.selector.matchLabels, [LABEL_TEMPLATE_HASH]: hash },
      },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}
