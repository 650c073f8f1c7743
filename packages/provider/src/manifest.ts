/** Reads what a manifest says for a provider: the envelope, then the `cloudProviderSpec` by the provider's fields. */
import {
  formatProblems,
  type MachineSpec,
  nearestName,
  parseAs,
  type Parsed,
  type Problem,
  ProviderSpec,
} from "@machine-controller/api";
import { configSchema, type Field, type Fields } from "./config-fields.ts";
import { TerminalError } from "./errors.ts";
import { memberOf } from "./member-of.ts";

export const ENVELOPE_PATH = "spec.providerSpec.value";
export const CONFIG_PATH = `${ENVELOPE_PATH}.cloudProviderSpec`;

/** @throws TerminalError naming every problem's path, value and remedy. */
export function parseProviderSpec(spec: MachineSpec): ProviderSpec {
  return orThrow(readProviderSpec(spec));
}

/** The envelope with all its problems; it is of its type only if there are none. */
export function readProviderSpec(spec: MachineSpec): Parsed<ProviderSpec> {
  const value = memberOf(spec.providerSpec, "value");
  if (value !== undefined) return parseAs(ProviderSpec, value, ENVELOPE_PATH);
  const problem = { path: ENVELOPE_PATH, message: "must be set: it names the cloud and its settings" };
  return { value: {} as ProviderSpec, problems: [problem] };
}

/**
 * The name in `cloudProvider` alone, for Machines whose spec may otherwise be broken.
 * @throws TerminalError where even that is missing.
 */
export function cloudProviderOf(spec: MachineSpec): string {
  const name = memberOf(spec.providerSpec?.value, "cloudProvider");
  if (typeof name === "string" && name !== "") return name;
  throw new TerminalError("InvalidConfiguration", `${ENVELOPE_PATH}.cloudProvider: must be set to the name of a cloud`);
}

/** @throws TerminalError */
export function parseConfig(fields: Fields, cloudProviderSpec: unknown): Record<string, unknown> {
  return orThrow(readConfig(fields, cloudProviderSpec));
}

/** A `cloudProviderSpec` with all its problems. */
export function readConfig(fields: Fields, cloudProviderSpec: unknown): Parsed<Record<string, unknown>> {
  const { value, problems } = parseAs(configSchema(fields), cloudProviderSpec, CONFIG_PATH);
  return { value, problems: inWords(fields, problems, value) };
}

function orThrow<T>({ value, problems }: Parsed<T>): T {
  if (problems.length > 0) throw new TerminalError("InvalidConfiguration", formatProblems(problems));
  return value;
}

/** The given fields of a `cloudProviderSpec`, whatever else is wrong with it. */
export function looseConfig(fields: Fields, spec: MachineSpec): Record<string, unknown> {
  const config = memberOf(spec.providerSpec?.value, "cloudProviderSpec");
  return Object.fromEntries(Object.keys(fields).map((name) => [name, memberOf(config, name)]));
}

/** The error for a `cloudProvider` nobody defined; it lists what there is. */
export function unknownProvider(name: string, known: readonly string[]): TerminalError {
  const nearest = nearestName(name, known);
  const remedy = nearest ? `did you mean "${nearest}"?` : `this controller has ${known.join(", ")}`;
  return new TerminalError("InvalidConfiguration", `${ENVELOPE_PATH}.cloudProvider: "${name}" is not known; ${remedy}`);
}

const REFERENCE = "an object with value, secretKeyRef or configMapKeyRef";
const FORMS: Readonly<Partial<Record<Field["kind"], string>>> = {
  string: `must be a text or ${REFERENCE}`,
  boolean: `must be true, false or ${REFERENCE}`,
  strings: `must be a list, each entry a text or ${REFERENCE}`,
};

/** Of a field with several forms, one problem instead of one for each form; a secret in a wrong form is not shown. */
function inWords(fields: Fields, problems: readonly Problem[], config: Record<string, unknown>): Problem[] {
  const worded = new Map<string, Problem>();
  for (const problem of problems) {
    const [name = ""] = problem.path.slice(CONFIG_PATH.length + 1).split(/[.[]/);
    const field = fields[name];
    const form = field && FORMS[field.kind];
    if (form === undefined) {
      worded.set(problem.path, problem);
    } else {
      const path = `${CONFIG_PATH}.${name}`;
      const found = field?.options.secret ? "" : `, is ${JSON.stringify(config[name])?.slice(0, 80)}`;
      worded.set(path, { path, message: form + found });
    }
  }
  return [...worded.values()];
}
