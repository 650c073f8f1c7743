import type { Machine, MachineSpec, OperatingSystem } from "@machine-controller/api";
import type { Capacity } from "./capacity.ts";
import type { Instance } from "./instance.ts";

export type Call = { readonly signal: AbortSignal };

/**
 * How a cloud makes creation safe to repeat, and so how an unknown outcome (time-out, reset, 5xx, crash) is settled.
 * - `token`: the same request with the same token answers with the same instance.
 * - `unique-name`: a second instance of the name is refused; the first is read by name and accepted only with our mark.
 * - `tag-scan`: neither; the instance is looked for by tag until `settleMs` has passed, only then tried again.
 */
export type Idempotency = {
  readonly class: "token" | "unique-name" | "tag-scan";
  /** A create request sent this long ago has taken effect and shows in reads by now, or never will. */
  readonly settleMs: number;
  /** Two reads by ID at least this far apart agree on what the cloud knows. */
  readonly consistencyMs: number;
};

/**
 * A cloud, ready to be called. Every call may fail with a `ProviderError`; every call may be repeated at any time, by
 * another process too, and must then not make or delete anything twice. Made by `createProvider` from a definition.
 */
export type Provider = {
  readonly name: string;
  readonly idempotency: Idempotency;
  /** Operating systems with a default image. */
  readonly operatingSystems: readonly OperatingSystem[];

  /**
   * Which credential the manifest names, as an opaque text: equal where the same literals and references are given. Says
   * nothing about the credential's value; no call to anything.
   */
  credentialKey(machine: Machine): string;

  /** Fills in what the manifest left out. Pure: no call to anything. Defaulting twice changes nothing. */
  addDefaults(spec: MachineSpec): MachineSpec;

  /** Checks everything that can be checked before creation, with reads of the cloud. Changes nothing anywhere. */
  validate(spec: MachineSpec, call: Call): Promise<void>;

  /** What an instance made from the spec has, from the cloud's catalogue; undefined where the provider cannot say. */
  capacityOf(spec: MachineSpec, call: Call): Promise<Capacity | undefined>;

  /**
   * What the credential belongs to (project, tenant, account ID), or a fingerprint of the credential where the cloud
   * cannot say. Equal accounts see the same instances.
   */
  account(machine: Machine, call: Call): Promise<string>;

  /**
   * Every instance of the Machine's credential that bears a mark of ours: complete, or it throws. One list serves all
   * Machines of the account. Presence here is knowledge; absence is only a reason to `get`.
   */
  list(machine: Machine, call: Call): Promise<readonly Instance[]>;

  /**
   * The Machine's instance, read directly: by its recorded ID if there is one, else by its mark. Never from a cache.
   * @throws InstanceNotFoundError only where the cloud confirmed that no such instance exists.
   */
  get(machine: Machine, call: Call): Promise<Instance>;

  /** The cloud configuration that kubelets of in-tree clouds need; empty strings everywhere else. */
  getCloudConfig(spec: MachineSpec, call: Call): Promise<{ config: string; name: string }>;

  /**
   * Creates the instance, marked with the Machine's UID, or finds the one that an earlier call with the same token
   * created. Answers as soon as the cloud accepted; the instance need not run yet.
   * @throws ProviderError `UnknownOutcome` where it cannot tell whether something was created.
   */
  create(machine: Machine, request: { userData: string; token: string }, call: Call): Promise<Instance>;

  /**
   * Deletes the instance and whatever was made for it. false: not gone yet, call again. true: confirmed gone.
   * Needs the credential and what was recorded at creation, not a valid spec.
   */
  cleanup(machine: Machine, call: Call): Promise<boolean>;

  /** Labels of the Machine's metrics: always `size`. No call to anything. */
  machineMetricsLabels(machine: Machine): Readonly<Record<string, string>>;

  /** Moves the instance's mark to another Machine UID; nothing to do where there is no instance. */
  migrateUID(machine: Machine, newUid: string, call: Call): Promise<void>;

  /** Refreshes metrics that only the cloud can give. */
  setMetricsForMachines(machines: readonly Machine[], call: Call): Promise<void>;
};
