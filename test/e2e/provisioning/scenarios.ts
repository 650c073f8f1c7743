// What is tried: operating systems × Kubernetes versions, forms of the credential, and mistakes.
import type { MachineDeployment } from "@machine-controller/api";
import { coreResources, type KubeObject, type Resource } from "@machine-controller/kube-client";
import { bootstrapConfig } from "./bootstrap-config.ts";
import { NAMESPACE, objectName, type ProviderSpecValue, providerSpecOf, renderManifest } from "./manifest.ts";
import type { ProviderEntry } from "./providers.ts";
import type { Site } from "./site.ts";

export const KUBERNETES_VERSIONS = ["1.33.11", "1.34.7", "1.35.4", "1.36.2"] as const;
const OUR_USER_DATA = "ubuntu";

export type Scenario = {
  readonly name: string;
  readonly operatingSystem: string;
  readonly kubelet: string;
  /** Changes the rendered manifest, and says what has to exist before it. */
  readonly change?: (value: ProviderSpecValue, site: Site) => [Resource, KubeObject][] | void;
};

export type Mistake = Scenario & {
  /** What the message must say: where, what, and what to do. */
  readonly says: readonly RegExp[];
};

/** The MachineDeployment of a scenario, not created yet; what it needs is. */
export async function prepare(site: Site, scenario: Scenario): Promise<MachineDeployment> {
  const { provider, access, sshKey, identifier } = site;
  const name = objectName(scenario.name, provider.name, identifier);
  const deployment = renderManifest(provider.name, {
    ...access,
    MACHINE_NAME: name,
    OS_NAME: scenario.operatingSystem,
    KUBERNETES_VERSION: scenario.kubelet,
    YOUR_PUBLIC_KEY: sshKey,
  });
  const needed = scenario.change?.(providerSpecOf(deployment), site) ?? [];
  for (const [resource, object] of needed) await site.create(resource, object);
  if (scenario.operatingSystem !== OUR_USER_DATA && provider.operatingSystems.includes(scenario.operatingSystem)) {
    const secrets = await bootstrapConfig(site, { deployment: name, kubelet: scenario.kubelet, sshKey });
    for (const secret of secrets) await site.create(coreResources.secrets, secret);
  }
  return deployment;
}

export const matrix = ({ operatingSystems }: ProviderEntry): Scenario[] =>
  operatingSystems.flatMap((operatingSystem) =>
    KUBERNETES_VERSIONS.map((kubelet) => ({ name: `${operatingSystem}-${kubelet}`, operatingSystem, kubelet })),
  );

const scenario = (
  name: string,
  change: NonNullable<Scenario["change"]>,
  operatingSystem: string = OUR_USER_DATA,
): Scenario => ({
  name,
  operatingSystem,
  kubelet: KUBERNETES_VERSIONS[KUBERNETES_VERSIONS.length - 1] ?? "",
  change,
});

/** The literal is what every other scenario has. */
export function credentialForms({ credential: { field } }: ProviderEntry): Scenario[] {
  const reference = (kind: "Secret" | "ConfigMap") =>
    scenario(`token-from-${kind}`, ({ cloudProviderSpec }, { identifier }) => {
      const [resource, key, content]: [Resource, string, string] =
        kind === "Secret"
          ? [coreResources.secrets, "secretKeyRef", "stringData"]
          : [coreResources.configMaps, "configMapKeyRef", "data"];
      const metadata = { name: objectName("token", kind, identifier), namespace: NAMESPACE };
      const literal = cloudProviderSpec[field];
      cloudProviderSpec[field] = { [key]: { ...metadata, key: "it" } };
      const object: KubeObject & Record<string, unknown> = {
        apiVersion: "v1",
        kind,
        metadata,
        [content]: { it: literal },
      };
      return [[resource, object]];
    });
  const value = scenario("token-as-value", ({ cloudProviderSpec }) => {
    cloudProviderSpec[field] = { value: cloudProviderSpec[field] };
  });
  return [value, reference("Secret"), reference("ConfigMap")];
}

/** For a controller that has the credential in its own environment. */
export const credentialFromEnvironment = ({ credential: { field } }: ProviderEntry): Scenario =>
  scenario("token-from-environment", ({ cloudProviderSpec }) => {
    delete cloudProviderSpec[field];
  });

export function mistakes({ credential, sizeField, unsupportedOperatingSystem }: ProviderEntry): Mistake[] {
  const at = "spec\\.providerSpec\\.value";
  const misspelt = sizeField.slice(0, -1);
  return [
    {
      ...scenario("misspelt-field", ({ cloudProviderSpec }) => {
        cloudProviderSpec[misspelt] = cloudProviderSpec[sizeField];
        delete cloudProviderSpec[sizeField];
      }),
      says: [new RegExp(`${at}\\.cloudProviderSpec\\.${misspelt}\\b`), new RegExp(`did you mean "?${sizeField}\\b`)],
    },
    {
      ...scenario("misspelt-envelope", (value) => {
        value["sshPublicKey"] = value["sshPublicKeys"];
        delete value["sshPublicKeys"];
      }),
      says: [new RegExp(`${at}\\.sshPublicKey\\b`), /did you mean "?sshPublicKeys\b/],
    },
    {
      ...scenario("missing-token", ({ cloudProviderSpec }) => {
        delete cloudProviderSpec[credential.field];
      }),
      says: [new RegExp(`${at}\\.cloudProviderSpec\\.${credential.field}\\b`), new RegExp(credential.variable)],
    },
    {
      ...scenario("token-of-no-secret", ({ cloudProviderSpec }) => {
        const secretKeyRef = { namespace: NAMESPACE, name: "no-such-secret", key: "it" };
        cloudProviderSpec[credential.field] = { secretKeyRef };
      }),
      says: [
        new RegExp(`${at}\\.cloudProviderSpec\\.${credential.field}\\b`),
        /kube-system\/no-such-secret/,
        /\bcreate\b/,
      ],
    },
    {
      ...scenario("unknown-size", ({ cloudProviderSpec }) => {
        cloudProviderSpec[sizeField] = "no-such-size";
      }),
      says: [
        new RegExp(`${at}\\.cloudProviderSpec\\.${sizeField}\\b`),
        /"no-such-size"/,
        /\b(use|choose|did you mean)\b/,
      ],
    },
    {
      ...scenario("unsupported-system", () => undefined, unsupportedOperatingSystem),
      says: [new RegExp(`${at}\\.operatingSystem\\b`), new RegExp(unsupportedOperatingSystem), /\b(use|choose|set)\b/],
    },
  ];
}
