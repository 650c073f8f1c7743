/** Defaulting and validation of a MachineSpec, in a Machine and in templates alike. */
import {
  formatProblems,
  MachineSpec,
  metadataProblems,
  nodeMetadataProblems,
  parseAs,
  type Problem,
  ProviderSpec,
} from "@machine-controller/api";
import {
  addDefaults,
  cloudProviderOf,
  ENVELOPE_PATH,
  isProviderError,
  staticProblems,
  unknownProvider,
} from "@machine-controller/provider";
import { type AdmissionContext, isObject, type Raw } from "./admission.ts";
import { withoutLegacyForms } from "./legacy-provider-spec.ts";
import { sshPublicKeyProblem } from "./ssh-public-key.ts";

/**
 * @param raw is not changed.
 * @param path where it stands, for example `spec.template.spec`; it begins every problem.
 * @returns the spec with its defaults; without them where there are problems.
 */
export async function admitMachineSpec(
  raw: unknown,
  path: string,
  context: AdmissionContext,
): Promise<{ spec: unknown; problems: string[] }> {
  const { value, problems: shape } = parseAs(MachineSpec, raw ?? {}, path);
  const problems = each([...shape, ...nodeMetadataProblems(raw, path)]);
  if (!isObject(raw) || !isObject(value.providerSpec)) return { spec: raw, problems };

  const kubelet: unknown = value.versions?.kubelet;
  const refusal = typeof kubelet === "string" && kubelet !== "" ? context.allowsKubelet(kubelet) : undefined;
  if (refusal !== undefined) problems.push(`${path}.versions.kubelet: "${String(kubelet).slice(0, 80)}" ${refusal}`);
  if (value.configSource !== undefined) {
    problems.push(`${path}.configSource: must not be set, since kubelets no longer read it; remove it`);
  }

  const envelope = isObject(value.providerSpec.value) ? withoutLegacyForms(value.providerSpec.value) : undefined;
  const spec = { ...value, providerSpec: { ...value.providerSpec, ...(envelope && { value: envelope }) } };
  const inEnvelope = [...(await providerProblems(spec, context)), ...sshKeyProblems(envelope)];
  problems.push(...inEnvelope.map((problem) => problem.replace(/^spec\b/, path)));
  const definition = context.providers.get(String(envelope?.["cloudProvider"]));
  if (problems.length > 0 || definition === undefined) return { spec: raw, problems };
  return { spec: { ...raw, providerSpec: addDefaults(definition, spec).providerSpec }, problems };
}

/** The same for `spec.template`, with the labels and annotations that its Machines get. */
export async function admitTemplate(template: Raw, context: AdmissionContext): ReturnType<typeof admitMachineSpec> {
  const { spec, problems } = await admitMachineSpec(template["spec"], "spec.template.spec", context);
  return { spec, problems: [...each(metadataProblems(template["metadata"], "spec.template.metadata")), ...problems] };
}

/** Problems of what an update of a Machine gives its Node, those left out that were there before. */
export function newNodeProblems(before: unknown, after: unknown): string[] {
  const known = new Set(each(nodeMetadataProblems(before, "spec")));
  return each(nodeMetadataProblems(after, "spec")).filter((problem) => !known.has(problem));
}

const each = (problems: readonly Problem[]): string[] => problems.map((problem) => formatProblems([problem]));

async function providerProblems(spec: MachineSpec, { providers }: AdmissionContext): Promise<string[]> {
  try {
    const name = cloudProviderOf(spec);
    const definition = providers.get(name);
    if (definition === undefined) throw unknownProvider(name.slice(0, 80), [...providers.keys()]);
    return await staticProblems(definition, spec);
  } catch (error) {
    if (!isProviderError(error)) throw error;
    return [error.message];
  }
}

function sshKeyProblems(envelope: Raw | undefined): string[] {
  const keys: unknown = parseAs(ProviderSpec, envelope ?? {}, ENVELOPE_PATH).value.sshPublicKeys;
  if (!Array.isArray(keys)) return [];
  return keys.flatMap((key: unknown, index) => {
    const problem = typeof key === "string" ? sshPublicKeyProblem(key) : undefined;
    return problem === undefined ? [] : [`${ENVELOPE_PATH}.sshPublicKeys[${index}]: ${problem}`];
  });
}
