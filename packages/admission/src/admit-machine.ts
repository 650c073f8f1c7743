/** Machines: defaults and checks at creation, afterwards an immutable spec. */
import { canonicalValue, MachineSpec } from "@machine-controller/api";
import {
  ANNOTATION_BYPASS_IMMUTABILITY,
  ANNOTATION_EXTERNAL_CLOUD_PROVIDER,
  ANNOTATION_PREFIX_FEATURE_GATES,
  LABEL_OPERATING_SYSTEM,
} from "@machine-controller/api/well-known";
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
import { createPatch } from "./json-patch.ts";
import { admitMachineSpec, newNodeProblems } from "./machine-spec.ts";
import { unknownFields } from "./unknown-fields.ts";

export async function admitMachine(request: AdmissionRequest, context: AdmissionContext): Promise<Verdict> {
  const { object, oldObject, operation } = request;
  if (operation === "CREATE") return admitNew(object, context);
  if (operation !== "UPDATE" || oldObject === undefined || isDeleting(object)) return ALLOWED;

  const after = structuredClone(object);
  defaultName(after);
  const bypass = takeBypass(after);
  const mayBypass = context.mayBypassImmutability?.(request.user) ?? true;
  const problems = bypass === "true" && mayBypass ? [] : immutabilityProblems(oldObject, after);
  if (problems.length > 0 && bypass === "true") {
    problems.push(`metadata.annotations: ${request.user} may not use ${ANNOTATION_BYPASS_IMMUTABILITY}`);
  }
  problems.push(...newNodeProblems(oldObject["spec"], after["spec"]));
  return judge({ before: object, after }, problems);
}

async function admitNew(object: Raw, context: AdmissionContext): Promise<Verdict> {
  const after = structuredClone(object);
  takeBypass(after);
  const { spec, problems } = await admitMachineSpec(object["spec"], "spec", context);
  if (problems.length === 0) {
    after["spec"] = structuredClone(spec);
    defaultName(after);
    noteKubeletSettings(after, context);
  }
  return judge({ before: object, after }, problems, unknownFields(MachineSpec, object["spec"], "spec"));
}

/** `spec.metadata.name` is the instance's name; the API server has made none yet where it makes one of generateName. */
function defaultName({ metadata, spec }: Raw): void {
  const name = isObject(metadata) ? metadata["name"] : undefined;
  if (!name || !isObject(spec)) return;
  const given = isObject(spec["metadata"]) ? spec["metadata"]["name"] : undefined;
  if (!given) objectAt(spec, "metadata")["name"] = name;
}

/** The annotation's value; it is good for one request. */
function takeBypass({ metadata }: Raw): unknown {
  const annotations = isObject(metadata) ? metadata["annotations"] : undefined;
  if (!isObject(annotations)) return undefined;
  const { [ANNOTATION_BYPASS_IMMUTABILITY]: value } = annotations;
  delete annotations[ANNOTATION_BYPASS_IMMUTABILITY];
  return value;
}

function noteKubeletSettings(machine: Raw, { kubeletFeatureGates, externalCloudProvider }: AdmissionContext): void {
  const annotations = objectAt(machine, "metadata", "annotations");
  for (const [gate, on] of Object.entries(kubeletFeatureGates)) {
    annotations[`${ANNOTATION_PREFIX_FEATURE_GATES}/${gate}`] = String(on);
  }
  annotations[ANNOTATION_EXTERNAL_CLOUD_PROVIDER] = String(externalCloudProvider);
  const { operatingSystem } = objectAt(machine, "spec", "providerSpec", "value");
  const labels = objectAt(machine, "spec", "metadata", "labels");
  labels[LABEL_OPERATING_SYSTEM] ??= operatingSystem;
}

/**
 * What of the spec may not change did. Free are what the controller sets once (providerID, the name's default) and what
 * needs no other instance (labels, annotations and taints of the Node).
 */
function immutabilityProblems(oldObject: Raw, object: Raw): string[] {
  const before = specOf(oldObject);
  const after = specOf(object);
  const problems: string[] = [];
  if (before["providerID"] && after["providerID"] && before["providerID"] !== after["providerID"]) {
    problems.push("spec.providerID: cannot be changed: it names the instance; delete the Machine to have another one");
  } else if (!before["providerID"]) {
    before["providerID"] = after["providerID"];
  }
  if (isObject(object["metadata"]) && nameOf(after) === object["metadata"]["name"]) {
    objectAt(before, "metadata")["name"] = nameOf(after);
  }
  const changed = createPatch(fixedPart(before), fixedPart(after), "spec")
    .map(({ path }) => path.replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~"))
    .filter((path) => path !== "spec.providerID" || problems.length === 0);
  if (changed.length > 0) {
    const more = changed.length > MOST_NAMED ? ` and ${changed.length - MOST_NAMED} more` : "";
    problems.push(
      `${changed.slice(0, MOST_NAMED).join(", ")}${more}: a Machine's spec cannot be changed; change its MachineDeployment, ` +
        `which replaces it, or create another Machine`,
    );
  }
  return problems;
}

const MOST_NAMED = 5;

const specOf = ({ spec }: Raw): Raw => (isObject(spec) ? structuredClone(spec) : {});
const nameOf = ({ metadata }: Raw): unknown => (isObject(metadata) ? metadata["name"] : undefined);

function fixedPart({ metadata, taints: _taints, ...spec }: Raw): unknown {
  const { labels: _labels, annotations: _annotations, ...rest } = isObject(metadata) ? metadata : {};
  return canonicalValue({ ...spec, metadata: rest }) ?? {};
}
