import type { MachineSpec, OperatingSystem, ProviderSpec } from "@machine-controller/api";
import type { Fields, Resolved } from "./config-fields.ts";
import type { Capacity } from "./capacity.ts";
import type { Instance } from "./instance.ts";
import type { Call, Idempotency } from "./provider.ts";
import type { RateLimit } from "./rate-limit.ts";

export type Clock = { now(): number; sleep(ms: number, options: { signal: AbortSignal }): Promise<void> };
export type Fetch = (request: Request) => Promise<Response>;
export type Random = { bytes(length: number): Uint8Array };

/** One credential's way to the cloud. The client made from it lives as long as the credential is in use. */
export type Connection<Credential extends Fields> = {
  readonly credential: Resolved<Credential>;
  readonly endpoint: string;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: Random;
};

/** What a provider needs to find a Machine's instance: no part of it depends on a valid spec. */
export type InstanceRequest<Client> = Call & {
  readonly client: Client;
  /** Name of the instance and of its Node. */
  readonly name: string;
  /** UID of the Machine: the mark that the instance bears. */
  readonly uid: string;
  /** What was recorded at creation; undefined before. */
  readonly recorded: { readonly id: string; readonly resources: Readonly<Record<string, string>> } | undefined;
};

/** A validated, resolved spec. */
export type SpecRequest<Client, Config extends Fields> = Call & {
  readonly client: Client;
  readonly config: Resolved<Config>;
  readonly operatingSystem: OperatingSystem;
  /** The image that the manifest names, or the operating system's default. */
  readonly image: string;
  readonly providerSpec: ProviderSpec;
};

export type CreateRequest<Client, Config extends Fields> = InstanceRequest<Client> &
  SpecRequest<Client, Config> & {
    readonly userData: string;
    readonly token: string;
    /** UID of the cluster, to mark the instance with; undefined where the controller could not read it. */
    readonly clusterUid: string | undefined;
  };

/**
 * A cloud, as its author declares it; contracts of the functions are those of `Provider`. The rest is derived:
 * defaulting and static validation from the fields, metrics labels from `sizeField`, and what is left out does nothing.
 */
export type ProviderDefinition<Credential extends Fields, Config extends Fields, Client> = {
  /** Value of `cloudProvider`; also the name of the folder. */
  readonly name: string;
  /** The cloud's name as its vendor writes it. */
  readonly title: string;
  /** Vendor's API documentation. */
  readonly documentation: string;
  readonly endpoint: { readonly url: string; readonly env: string };
  /** The fields that authenticate: all that deletion may need of a spec. */
  readonly credential: Credential;
  /** The other fields of `cloudProviderSpec`. */
  readonly config: Config;
  /** The field that says how large the instance is. */
  readonly sizeField: keyof Config & string;
  /** More fields that become metrics labels. */
  readonly metricsFields?: readonly (keyof Config & string)[];
  /** The field that names an image; while it is set, any operating system goes. */
  readonly imageField?: keyof Config & string;
  /** Default image by operating system. */
  readonly operatingSystems: Readonly<Partial<Record<OperatingSystem, string>>>;
  readonly idempotency: Idempotency;
  readonly userDataLimitBytes: number;
  /** What one credential may call, where the cloud's answers do not say it in their headers. */
  readonly rateLimit?: RateLimit;

  connect(connection: Connection<Credential>): Client;
  /** More defaulting, of a `cloudProviderSpec` with canonical keys. @throws ProviderError */
  addDefaults?(spec: Record<string, unknown>): Record<string, unknown>;
  /** Rules between fields that need no cloud. @throws ProviderError */
  validateConfig?(config: Resolved<Config>): void;
  validate?(request: SpecRequest<Client, Config>): Promise<void>;
  capacityOf?(request: SpecRequest<Client, Config>): Promise<Capacity>;
  account?(client: Client, call: Call): Promise<string>;
  list(client: Client, call: Call): Promise<readonly Instance[]>;
  get(request: InstanceRequest<Client>): Promise<Instance>;
  create(request: CreateRequest<Client, Config>): Promise<Instance>;
  cleanup(request: InstanceRequest<Client>): Promise<boolean>;
  getCloudConfig?(spec: MachineSpec, call: Call): Promise<{ config: string; name: string }>;
  migrateUID?(request: InstanceRequest<Client> & { newUid: string }): Promise<void>;
  setMetricsForMachines?(clients: readonly Client[], call: Call): Promise<void>;
};

/** A definition whose field types are forgotten: what registries and `createProvider` hold. */
// oxlint-disable-next-line typescript/no-explicit-any -- erasure of three type parameters that appear in both positions
export type AnyProviderDefinition = ProviderDefinition<any, any, any>;

/**
 * Declares a cloud. Gives the definition back with its types inferred, so that every function sees typed values.
 *
 * @example
 * export default defineProvider({
 *   name: "example",
 *   credential: { token: stringField({ description: "API token.", env: "EXAMPLE_TOKEN", secret: true, required: true }) },
 *   config: { size: stringField({ description: "Size of the instance.", required: true }) },
 *   sizeField: "size",
 *   …
 * });
 */
export function defineProvider<Credential extends Fields, Config extends Fields, Client>(
  definition: ProviderDefinition<Credential, Config, Client>,
): ProviderDefinition<Credential, Config, Client> {
  const { name, credential, config } = definition;
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error(`provider name "${name}" must be lower-case words with hyphens`);
  const twice = Object.keys(config).find((field) => field in credential);
  if (twice !== undefined) throw new Error(`provider ${name}: field "${twice}" is both credential and config`);
  return definition;
}
