/** Turns a definition into a `Provider`: parses manifests, resolves fields, keeps one client per credential. */
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import {
  canonicalText,
  formatProblems,
  instanceNameOf,
  type Machine,
  type MachineSpec,
  nodeMetadataProblems,
  type OperatingSystem,
  recordOf,
} from "@machine-controller/api";
import { type CallBudget, createCallBudget } from "./call-budget.ts";
import { type Fields, type Resolved, resolveFields } from "./config-fields.ts";
import type { ConfigVarResolver } from "./config-var.ts";
import type {
  AnyProviderDefinition,
  Clock,
  Fetch,
  InstanceRequest,
  ProviderDefinition,
  Random,
  SpecRequest,
} from "./definition.ts";
import { TerminalError } from "./errors.ts";
import { CONFIG_PATH, looseConfig, parseConfig, parseProviderSpec } from "./manifest.ts";
import type { Call, Provider } from "./provider.ts";
import { addDefaults, imageOf } from "./static-rules.ts";

/** The outside, as a provider may touch it. */
export type ProviderRuntime = {
  fetch: Fetch;
  clock: Clock;
  random: Random;
  resolver: ConfigVarResolver;
  environment: Readonly<Record<string, string | undefined>>;
  /** Told of every value that authenticates, before it is used: it must never be printed. */
  conceal?: (value: string) => void;
  /** UID of the cluster that instances are made for. */
  clusterUid?: string | undefined;
  /** Told of the budget of every credential that is taken into use, under an opaque name. */
  onBudget?: (credential: string, budget: CallBudget) => void;
};

/** Clients kept at the same time; more credentials than this only cost new connections. */
const MAX_CLIENTS = 256;

export function createProvider(definition: AnyProviderDefinition, runtime: ProviderRuntime): Provider;
export function createProvider(
  definition: ProviderDefinition<Fields, Fields, unknown>,
  runtime: ProviderRuntime,
): Provider {
  const { name, idempotency } = definition;
  const operatingSystems = Object.keys(definition.operatingSystems) as OperatingSystem[];
  const allFields: Fields = { ...definition.credential, ...definition.config };
  const clients = new Map<string, unknown>();
  const deleting = new AsyncLocalStorage<true>();

  async function connect(spec: MachineSpec, { signal }: Call): Promise<{ client: unknown; fingerprint: string }> {
    const credential = await resolveFields(definition.credential, looseConfig(definition.credential, spec), {
      path: CONFIG_PATH,
      resolver: runtime.resolver,
      signal,
    });
    for (const [field, value] of Object.entries(credential)) {
      if (definition.credential[field]?.options.secret && typeof value === "string") runtime.conceal?.(value);
    }
    const endpoint = runtime.environment[definition.endpoint.env] || definition.endpoint.url;
    const fingerprint = createHash("sha256")
      .update(JSON.stringify([name, endpoint, credential]))
      .digest("hex")
      .slice(0, 16);
    let client = clients.get(fingerprint);
    if (client === undefined) {
      const { clock, random } = runtime;
      const budget = createCallBudget({
        fetch: runtime.fetch,
        clock,
        limit: definition.rateLimit,
        isUrgent: () => deleting.getStore() === true,
      });
      runtime.onBudget?.(fingerprint, budget);
      client = definition.connect({ credential, endpoint, fetch: budget.fetch, clock, random });
      const [oldest] = clients.keys();
      if (clients.size >= MAX_CLIENTS && oldest !== undefined) clients.delete(oldest);
      clients.set(fingerprint, client);
    }
    return { client, fingerprint };
  }

  async function instanceRequest(machine: Machine, call: Call): Promise<InstanceRequest<unknown>> {
    const record = recordOf(machine);
    const { uid } = machine.metadata;
    // Without it every unmarked instance would look like this Machine's.
    if (!uid) throw new Error(`Machine ${machine.metadata.namespace}/${machine.metadata.name} has no UID`);
    return {
      ...call,
      client: (await connect(machine.spec, call)).client,
      name: instanceNameOf(machine),
      uid,
      recorded: record && { id: record.id, resources: record.resources ?? {} },
    };
  }

  async function specRequest(spec: MachineSpec, call: Call): Promise<SpecRequest<unknown, Fields>> {
    const providerSpec = parseProviderSpec(spec);
    const raw = parseConfig(allFields, providerSpec.cloudProviderSpec);
    const defaulted = definition.addDefaults?.(raw) ?? raw;
    const config: Resolved<Fields> = await resolveFields(definition.config, defaulted, {
      path: CONFIG_PATH,
      resolver: runtime.resolver,
      signal: call.signal,
    });
    definition.validateConfig?.(config);
    const { operatingSystem } = providerSpec;
    const image = imageOf(definition, config, operatingSystem);
    const { client } = await connect(spec, call);
    return { ...call, client, config, operatingSystem, image, providerSpec };
  }

  return {
    name,
    idempotency,
    operatingSystems,

    credentialKey({ spec }) {
      const named = canonicalText(looseConfig(definition.credential, spec));
      return createHash("sha256").update(`${name} ${named}`).digest("hex").slice(0, 16);
    },

    addDefaults: (spec) => addDefaults(definition, spec),

    async validate(spec, call) {
      // Paid for in vain: the Node of such a Machine is refused what makes it the Machine's.
      const problems = nodeMetadataProblems(spec, "spec");
      if (problems.length > 0) throw new TerminalError("InvalidConfiguration", formatProblems(problems));
      const request = await specRequest(spec, call);
      await definition.validate?.(request);
    },

    async capacityOf(spec, call) {
      return definition.capacityOf?.(await specRequest(spec, call));
    },

    async account(machine, call) {
      const { client, fingerprint } = await connect(machine.spec, call);
      return (await definition.account?.(client, call)) ?? `credential:${fingerprint}`;
    },

    async list(machine, call) {
      return definition.list((await connect(machine.spec, call)).client, call);
    },

    async get(machine, call) {
      return definition.get(await instanceRequest(machine, call));
    },

    async getCloudConfig(spec, call) {
      return (await definition.getCloudConfig?.(spec, call)) ?? { config: "", name: "" };
    },

    async create(machine, { userData, token }, call) {
      const size = Buffer.byteLength(userData);
      if (size > definition.userDataLimitBytes) {
        throw new TerminalError(
          "InvalidConfiguration",
          `user data has ${size} bytes and ${definition.title} takes ${definition.userDataLimitBytes}; make it smaller`,
        );
      }
      const request = { ...(await specRequest(machine.spec, call)), ...(await instanceRequest(machine, call)) };
      return definition.create({ ...request, userData, token, clusterUid: runtime.clusterUid });
    },

    async cleanup(machine, call) {
      const request = await instanceRequest(machine, call);
      return deleting.run(true, () => definition.cleanup(request));
    },

    machineMetricsLabels(machine) {
      const raw = looseConfig(definition.config, machine.spec);
      const labels = [...(definition.metricsFields ?? [])].map((field) => [field, literal(raw[field])]);
      return { size: literal(raw[definition.sizeField]), ...Object.fromEntries(labels) };
    },

    async migrateUID(machine, newUid, call) {
      await definition.migrateUID?.({ ...(await instanceRequest(machine, call)), newUid });
    },

    async setMetricsForMachines(machines, call) {
      if (definition.setMetricsForMachines === undefined) return;
      const found = await Promise.all(machines.map((machine) => connect(machine.spec, call)));
      await definition.setMetricsForMachines([...new Set(found.map(({ client }) => client))], call);
    },
  };
}

/** A ConfigVar's literal; references are not followed, since metrics must not call anything. */
function literal(raw: unknown): string {
  const value = typeof raw === "object" && raw !== null ? (raw as { value?: unknown }).value : raw;
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
