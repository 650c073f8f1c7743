// The providers of the suite. One more provider is one more entry.

export type ProviderEntry = {
  /** As in `cloudProvider`, and in the name of its manifest in testdata. */
  readonly name: string;
  /** As `machine-controller up` calls the simulated cloud. */
  readonly title: string;
  /** Environment variable with access to the real cloud → placeholder that it fills, and what the simulator takes. */
  readonly access: Readonly<Record<string, { placeholder: string; simulated: string }>>;
  /** Variable that the controller itself reads a credential from, and the field which that replaces. */
  readonly credential: { variable: string; field: string };
  readonly sizeField: string;
  readonly operatingSystems: readonly string[];
  /** One that has no default image. */
  readonly unsupportedOperatingSystem: string;
  /** API of the real cloud, and the variable that leads the controller to another one. */
  readonly endpoint: { url: string; variable: string };
  /** Of Nodes, where a cloud-controller-manager sets it. */
  readonly cloudProviderId: RegExp;
  /** Names of what exists in the cloud; a name says which MachineDeployment it belongs to. */
  inventory(cloud: Cloud): Promise<string[]>;
};

export type Cloud = { api: string; access: Readonly<Record<string, string>>; signal: AbortSignal };

export const PROVIDERS: readonly ProviderEntry[] = [
  {
    name: "hetzner",
    title: "Hetzner Cloud",
    access: { HZ_E2E_TOKEN: { placeholder: "HETZNER_TOKEN", simulated: "simulated-token" } },
    credential: { variable: "HZ_TOKEN", field: "token" },
    sizeField: "serverType",
    operatingSystems: ["ubuntu", "rockylinux"],
    unsupportedOperatingSystem: "flatcar",
    endpoint: { url: "https://api.hetzner.cloud/v1", variable: "HCLOUD_ENDPOINT" },
    cloudProviderId: /^hcloud:\/\/\d+$/,
    async inventory({ api, access, signal }) {
      const headers = { authorization: `Bearer ${access["HETZNER_TOKEN"]}` };
      const names = async (collection: string): Promise<string[]> => {
        const response = await fetch(`${api}/${collection}?per_page=50`, { headers, signal });
        if (!response.ok) throw new Error(`GET ${response.url}: ${response.status}`);
        const body = (await response.json()) as Record<string, { name: string }[]>;
        return (body[collection] ?? []).map(({ name }) => `${collection} ${name}`);
      };
      return (await Promise.all(["servers", "placement_groups"].map(names))).flat();
    },
  },
];
