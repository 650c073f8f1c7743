// The manifest of a provider with its placeholders filled in.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MachineDeployment } from "@machine-controller/api";
import { parse } from "yaml";

export const NAMESPACE = "kube-system";

/** `<scenario>-<provider>-<identifier>`, as the name of an object. */
export function objectName(...parts: string[]): string {
  return parts.join("-").toLowerCase().replaceAll(/[ .]/g, "-");
}

/** @throws where a placeholder is left. */
export function renderManifest(provider: string, values: Readonly<Record<string, string>>): MachineDeployment {
  const path = join(import.meta.dirname, "testdata", `machinedeployment-${provider}.yaml`);
  const text = readFileSync(path, "utf8").replaceAll(/<< ([\w-]+) >>/g, (placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${path}: nothing to fill in for ${placeholder}`);
    return value;
  });
  const deployment = parse(text) as MachineDeployment;
  deployment.metadata.namespace = NAMESPACE;
  return deployment;
}

export type ProviderSpecValue = {
  cloudProviderSpec: Record<string, unknown>;
  operatingSystem: string;
  [field: string]: unknown;
};

export const providerSpecOf = ({ spec }: MachineDeployment): ProviderSpecValue =>
  spec.template.spec.providerSpec.value as ProviderSpecValue;
