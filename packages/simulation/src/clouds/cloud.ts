/** A simulated cloud as the world sees it: an API that providers call, and the truth behind it that no API tells. */
import type { AnyProviderDefinition } from "@machine-controller/provider";
import type { Endpoint } from "../world/network.ts";
import type { Random } from "../world/random.ts";
import type { Scheduler } from "../world/scheduler.ts";

export type Vm = {
  readonly id: string;
  readonly name: string;
  /** The mark it was made with. */
  readonly machineUid: string | undefined;
  readonly account: string;
  readonly address: string;
  readonly userData: string;
  readonly createdAtMs: number;
  /** From when on its operating system runs. */
  readonly runsAtMs: number;
  /** When somebody asked the cloud to delete it. */
  deletionAskedAtMs?: number;
  /** Since when it exists no more. */
  goneAtMs?: number;
};

/** A credential that a cloud accepts; `account` is what it belongs to. */
export type Credential = { readonly token: string; readonly account: string };

export type SimulatedCloud = {
  readonly endpoint: Endpoint;
  readonly definition: AnyProviderDefinition;
  /** `cloudProviderSpec` of a Machine of this cloud, apart from its credential. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Every VM there ever was. */
  readonly vms: readonly Vm[];
  /** The VM vanishes, as if somebody had deleted it by hand. */
  lose(vm: Vm): Promise<void>;
  /** Credentials that are valid from now on; all others are refused. */
  accept(credentials: readonly Credential[]): void;
  /** While set, creation is refused for this reason. */
  refuseCreation(reason: "quota" | "sold out" | undefined): void;
  /** The next creation is accepted, and fails later. */
  failNextCreation(): void;
  /** The next deletion is accepted, and later the VM runs as if nobody had asked; where the cloud can be made to. */
  failNextDeletion?(): void;
  /** The cloud shows no VM at all, in no list and by no ID. */
  showNothing(ms: number): void;
  /**
   * Lists do not show this VM for a while, and once in its life, before its deletion is taken, reads by ID do not find it for
   * less than the cloud's consistency time; where the cloud can be made to.
   */
  missBriefly?(vm: Vm): void;
  close(): void;
};

export type CloudOptions = {
  scheduler: Scheduler;
  random: Random;
  /** From the request to the end of a deletion, where it is unlike what it usually is. */
  deletionMs?: number | undefined;
};

/** Exists, in whatever state. */
export const exists = (vm: Vm, nowMs: number): boolean => vm.goneAtMs === undefined || vm.goneAtMs > nowMs;
/** Exists, and nobody has asked for its deletion. */
export const lives = (vm: Vm, nowMs: number): boolean => exists(vm, nowMs) && vm.deletionAskedAtMs === undefined;
