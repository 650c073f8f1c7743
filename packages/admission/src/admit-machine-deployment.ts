/** MachineDeployments: defaults and checks of what a request changes; a template that means the same stays as it is. */
import { formatProblems, MachineDeploymentSpec, parseAs } from "@machine-controller/api";
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
import { strategyProblems } from "./rollout-strategy.ts";
import { selectorProblems } from "./selector-problems.ts";
import { unknownFields } from "./unknown-fields.ts";

/** Go's encoder of the stored objects writes all of them; none of them is part of the template. */
const DEFAULTS = { replicas: 1, minReadySeconds: 0, revisionHistoryLimit: 1, progressDeadlineSeconds: 600 };

export async function admitMachineDeployment(request: AdmissionRequest, context: AdmissionContext): Promise<Verdict> {
  const { object, operation } = request;
  const changes = createChanges(request);
  if (!["CREATE", "UPDATE"].includes(operation) || isDeleting(object) || changes.none) return ALLOWED;

  const { value: spec, problems: shape } = parseAs(MachineDeploymentSpec, object["spec"] ?? {}, "spec");
  const problems = shape.filter(({ path }) => changes.at(path)).map((problem) => formatProblems([problem]));
  if (changes.at("spec.selector") || changes.at("spec.template")) problems.push(...selectorProblems(spec));
  if (changes.at("spec.strategy")) problems.push(...strategyProblems(spec.strategy));

  const after = structuredClone(object);
  if (changes.at("spec.template") && isObject(spec.template)) {
    const machine = await admitTemplate(spec.template, context);
    problems.push(...machine.problems);
    if (isObject(machine.spec)) objectAt(after, "spec", "template")["spec"] = structuredClone(machine.spec);
  }
  if (problems.length === 0) applyDefaults(objectAt(after, "spec"), spec);
  const warnings = unknownFields(MachineDeploymentSpec, object["spec"], "spec");
  return judge({ before: object, after }, problems, [...warnings, ...changes.selectorWarnings("MachineSets")]);
}

function applyDefaults(raw: Raw, spec: MachineDeploymentSpec): void {
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (spec[name as keyof typeof DEFAULTS] === undefined) raw[name] = value;
  }
  const { type, rollingUpdate } = spec.strategy ?? {};
  if (!type) objectAt(raw, "strategy")["type"] = "RollingUpdate";
  if (type && type !== "RollingUpdate") return;
  const { maxSurge, maxUnavailable } = rollingUpdate ?? {};
  if (maxSurge === undefined) objectAt(raw, "strategy", "rollingUpdate")["maxSurge"] = 1;
  if (maxUnavailable === undefined) objectAt(raw, "strategy", "rollingUpdate")["maxUnavailable"] = 0;
}
