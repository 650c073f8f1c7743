/**
 * What people write: Machine, MachineSet, MachineDeployment and the providerSpec envelope of `cluster.k8s.io/v1alpha1`.
 * One schema value a type gives the TypeScript type, the CRD and validation; every well-known name is here.
 *
 * @example
 * const { value, problems } = parseAs(ProviderSpec, machine.spec.providerSpec.value, "spec.providerSpec.value");
 * if (problems.length > 0) throw new Error(formatProblems(problems));
 */
export { canonicalTemplate, canonicalText, canonicalValue, replacedPart } from "./canonical.ts";
export { type CustomResourceDefinition, customResourceDefinitions } from "./crds.ts";
export { resolveIntOrPercent } from "./int-or-percent.ts";
export {
  DeploymentCondition,
  MachineDeploymentSpec,
  MachineDeploymentStatus,
  type MachineDeployment,
} from "./machine-deployment.ts";
export { DELETE_POLICIES, MachineSetSpec, MachineSetStatus, MachineTemplate, type MachineSet } from "./machine-set.ts";
export { instanceNameOf, MachineSpec, MachineStatus, type Machine } from "./machine.ts";
export { nearestName } from "./nearest-name.ts";
export { metadataProblems, nodeMetadataProblems } from "./node-metadata.ts";
export type { MachineErrorReason } from "./well-known.ts";
export {
  Condition,
  LabelSelector,
  NodeAddress,
  OwnerReference,
  Taint,
  TemplateMeta,
  type ObjectMeta,
} from "./object-meta.ts";
export { formatProblems, parseAs, type Parsed, type Problem } from "./parse.ts";
export {
  DEFAULT_OPERATING_SYSTEM_SPECS,
  OPERATING_SYSTEMS,
  type OperatingSystem,
  ProviderSpec,
} from "./provider-spec.ts";
export { type CreateIntent, type InstanceRecord, intentOf, recordOf } from "./records.ts";
export { AnyObject, IntOrString, type StructuralSchema, toStructuralSchema } from "./schema.ts";
export { formatSelector, selectorProblem, selects } from "./selector.ts";
