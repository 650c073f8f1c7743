/**
 * What a definition says about a spec by itself: defaults, and everything that is wrong and can be told without reading a
 * Secret, an environment or a cloud.
 */
import {
  DEFAULT_OPERATING_SYSTEM_SPECS,
  formatProblems,
  type MachineSpec,
  type OperatingSystem,
} from "@machine-controller/api";
import { type Field, type Fields, type Resolved, resolveFields } from "./config-fields.ts";
import { createConfigVarResolver, isReference } from "./config-var.ts";
import type { AnyProviderDefinition } from "./definition.ts";
import { isProviderError, OSNotSupportedError } from "./errors.ts";
import { CONFIG_PATH, parseConfig, parseProviderSpec, readConfig, readProviderSpec } from "./manifest.ts";

/** The contract of `Provider.addDefaults`. @throws ProviderError where the manifest cannot be read. */
export function addDefaults(definition: AnyProviderDefinition, spec: MachineSpec): MachineSpec {
  const providerSpec = parseProviderSpec(spec);
  const { operatingSystem, operatingSystemSpec } = providerSpec;
  const value = {
    ...providerSpec,
    cloudProviderSpec: defaultedConfig(definition, parseConfig(fieldsOf(definition), providerSpec.cloudProviderSpec)),
    operatingSystemSpec: operatingSystemSpec ?? DEFAULT_OPERATING_SYSTEM_SPECS[operatingSystem],
  };
  return { ...spec, providerSpec: { ...spec.providerSpec, value } };
}

/**
 * Each begins with the path of what it is about, from `spec` of a Machine. Settings that are given by reference, or may
 * come from the controller's environment, are taken for right.
 */
export async function staticProblems(definition: AnyProviderDefinition, spec: MachineSpec): Promise<string[]> {
  const envelope = readProviderSpec(spec);
  const config = readConfig(fieldsOf(definition), envelope.value.cloudProviderSpec);
  // Without a cloudProviderSpec the envelope's problem says so already.
  const problems = [...envelope.problems, ...(envelope.value.cloudProviderSpec === undefined ? [] : config.problems)];
  if (problems.length > 0) return problems.map((problem) => formatProblems([problem]));

  const found: string[] = [];
  const collect = async <T>(check: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await check();
    } catch (error) {
      if (!isProviderError(error)) throw error;
      found.push(error.message);
      return undefined;
    }
  };
  const raw = await collect(() => defaultedConfig(definition, config.value));
  if (raw === undefined) return found;
  const resolved: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fieldsOf(definition))) {
    if (isOpen(field, raw[name])) continue;
    Object.assign(resolved, await collect(() => resolveFields({ [name]: field }, raw, LITERALS)));
  }
  const { config: fields, imageField = "" } = definition;
  if (Object.keys(fields).every((name) => name in resolved)) {
    await collect(() => definition.validateConfig?.(resolved as Resolved<Fields>));
  }
  if (imageField === "" || imageField in resolved) {
    await collect(() => imageOf(definition, resolved, envelope.value.operatingSystem));
  }
  return found;
}

/** The image that the config names, or the operating system's default. @throws OSNotSupportedError */
export function imageOf(
  { name, imageField, operatingSystems }: AnyProviderDefinition,
  config: Readonly<Record<string, unknown>>,
  operatingSystem: OperatingSystem,
): string {
  const named = imageField ? (config[imageField] as string) : "";
  const image = named || operatingSystems[operatingSystem];
  if (image) return image;
  throw new OSNotSupportedError(name, operatingSystem, Object.keys(operatingSystems) as OperatingSystem[]);
}

const LITERALS = {
  path: CONFIG_PATH,
  resolver: createConfigVarResolver({
    readSecret: async () => undefined,
    readConfigMap: async () => undefined,
    environment: {},
  }),
  signal: new AbortController().signal,
};

const fieldsOf = ({ credential, config }: AnyProviderDefinition): Fields => ({ ...credential, ...config }) as Fields;

const defaultedConfig = (definition: AnyProviderDefinition, raw: Record<string, unknown>): Record<string, unknown> =>
  definition.addDefaults?.(raw) ?? raw;

/** Whether the value is only known where the controller runs. */
function isOpen({ options }: Field, raw: unknown): boolean {
  if (Array.isArray(raw)) return raw.some(isReference);
  return isReference(raw) || (options.env !== undefined && isEmpty(raw));
}

function isEmpty(raw: unknown): boolean {
  const value = typeof raw === "object" && raw !== null ? (raw as { value?: unknown }).value : raw;
  return value === undefined || value === null || value === "";
}
