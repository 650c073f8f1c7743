/** MachineSets: checked like MachineDeployments, but their template is never touched. */
import { formatProblems, MachineSetSpec, parseAs } from "@machine-controller/api";
import {
  type AdmissionContext,
  type AdmissionRequest,
  ALLOWED,
  isDeleting,
  isObject,
  judge,
  objectAt,
  type Raw,
  type Verdict,
} from "./admission.ts";
import { createChanges } from "./changes.ts";
import { admitTemplate } from "./machine-spec.ts";
import { selectorProblems } from "./selector-problems.ts";
import { unknownFields } from "./unknown-fields.ts";

/**
 * A MachineSet of a MachineDeployment is our own controller's: a default in its template would make it differ from the
 * MachineDeployment's and start a rollout, so Machines get their defaults when they are created, and a MachineSet none.
 */
export async function admitMachineSet(request: AdmissionRequest, context: AdmissionContext): Promise<Verdict> {
  const { object, operation } = request;
  const changes = createChanges(request);
  if (!["CREATE", "UPDATE"].includes(operation) || isDeleting(object) || changes.none || isControlled(object)) {
    return ALLOWED;
  }
  const { value: spec, problems: shape } = parseAs(MachineSetSpec, object["spec"] ?? {}, "spec");
  const problems = shape.filter(({ path }) => changes.at(path)).map((problem) => formatProblems([problem]));
  if (changes.at("spec.selector") || changes.at("spec.template")) problems.push(...selectorProblems(spec));
  if (changes.at("spec.template") && isObject(spec.template)) {
    problems.push(...(await admitTemplate(spec.template, context)).problems);
  }
  const after = structuredClone(object);
  if (spec.replicas === undefined) objectAt(after, "spec")["replicas"] = 1;
  const warnings = unknownFields(MachineSetSpec, object["spec"], "spec");
  return judge({ before: object, after }, problems, [...warnings, ...changes.selectorWarnings("Machines")]);
}

const isControlled = ({ metadata }: Raw): boolean =>
  isObject(metadata) &&
  Array.isArray(metadata["ownerReferences"]) &&
  metadata["ownerReferences"].some((owner) => isObject(owner) && owner["controller"] === true);
