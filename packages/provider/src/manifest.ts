/** Reads what a manifest says for a provider: the envelope, then the `cloudProviderSpec` by the provider's fields. */
import { formatProblems, type MachineSpec, nearestName, parseAs, ProviderSpec } from "@machine-controller/api";
import { configSchema, type Fields } from "./config-fields.ts";
import { TerminalError } from "./errors.ts";

export const ENVELOPE_PATH = "spec.providerSpec.value";
export const CONFIG_PATH = `${ENVELOPE_PATH}.cloudProviderSpec`;

/** @throws TerminalError naming every problem's path, value and remedy. */
export function parseProviderSpec(spec: MachineSpec): ProviderSpec {
  if (spec.providerSpec?.value == null) {
    throw new TerminalError(
      "InvalidConfiguration",
      `${ENVELOPE_PATH}: must be set: it names the cloud and its settings`,
    );
  }
  const { value, problems } = parseAs(ProviderSpec, spec.providerSpec.value, ENVELOPE_PATH);
  if (problems.length > 0) throw new TerminalError("InvalidConfiguration", formatProblems(problems));
  return value;
}

/**
 * The name in `cloudProvider` alone, for Machines whose spec may otherwise be broken.
 * @throws TerminalError where even that is missing.
 */
export function cloudProviderOf(spec: MachineSpec): string {
  const name = looseValue(spec.providerSpec?.value, "cloudProvider");
  if (typeof name === "string" && name !== "") return name;
  throw new TerminalError("InvalidConfiguration", `${ENVELOPE_PATH}.cloudProvider: must be set to the name of a cloud`);
}

/** @throws TerminalError */
export function parseConfig(fields: Fields, cloudProviderSpec: unknown): Record<string, unknown> {
  const { value, problems } = parseAs(configSchema(fields), cloudProviderSpec, CONFIG_PATH);
  if (problems.length > 0) throw new TerminalError("InvalidConfiguration", formatProblems(problems));
  return value;
}

/** The given fields of a `cloudProviderSpec`, whatever else is wrong with it. */
export function looseConfig(fields: Fields, spec: MachineSpec): Record<string, unknown> {
  const config = looseValue(spec.providerSpec?.value, "cloudProviderSpec");
  return Object.fromEntries(Object.keys(fields).map((name) => [name, looseValue(config, name)]));
}

/** The error for a `cloudProvider` nobody defined; it lists what there is. */
export function unknownProvider(name: string, known: readonly string[]): TerminalError {
  const nearest = nearestName(name, known);
  const remedy = nearest ? `did you mean "${nearest}"?` : `this controller has ${known.join(", ")}`;
  return new TerminalError("InvalidConfiguration", `${ENVELOPE_PATH}.cloudProvider: "${name}" is not known; ${remedy}`);
}

function looseValue(object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null) return undefined;
  const exact = (object as Record<string, unknown>)[name];
  const found = exact ?? Object.entries(object).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  return found ?? undefined;
}
