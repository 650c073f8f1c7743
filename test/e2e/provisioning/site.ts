// Where the suite runs: a cluster, a cloud, and the controller between them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machineDeployments } from "@machine-controller/controllers";
import { connectKubeconfig, type KubeObject, type Resource } from "@machine-controller/kube-client";
import { type CleanUp, withCleanUp } from "../clean-up.ts";
import { startController } from "../controller-process.ts";
import { type Check, until } from "../until.ts";
import { type Cluster, machinesLabelled, remove } from "./cluster.ts";
import type { ProviderEntry } from "./providers.ts";

export type Site = Cluster & {
  readonly provider: ProviderEntry;
  /** Placeholder → value. */
  readonly access: Readonly<Record<string, string>>;
  readonly sshKey: string;
  /** The end of the names of all objects, so that suites can share a cluster and a cloud. */
  readonly identifier: string;
  readonly cloudApi: string;
  readonly isSimulated: boolean;
  log(line: string): void;
  until<T>(what: string, check: Check<T>): Promise<T>;
  create(resource: Resource, object: KubeObject): Promise<void>;
  /** Deletes what was created, waits for the cloud to be rid of it, and stops the controller. */
  close(): Promise<void>;
};

export const SIMULATED_SSH_KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl e2e@example.com";
const SIMULATED = { timeoutMs: 30_000, pollMs: 100, quietMs: 5_000 };
const REAL = { timeoutMs: 35 * 60_000, pollMs: 5_000, quietMs: 0 };

type Parts = {
  provider: ProviderEntry;
  cleanUp: CleanUp;
  kubeconfig: string;
  isSimulated: boolean;
  cloudApi: string;
  access: Readonly<Record<string, string>>;
  sshKey: string;
};

/** The real cloud where access to it is in the environment, else everything in one process on this machine. */
export async function openSite(provider: ProviderEntry): Promise<Site> {
  const variables = Object.keys(provider.access);
  const given = variables.filter((variable) => process.env[variable]);
  if (given.length === variables.length) return openRealCloud(provider);
  if (given.length > 0) {
    const missing = variables.filter((variable) => !given.includes(variable));
    throw new Error(`${given.join(", ")} set, but not ${missing.join(", ")}: set all for the real cloud, or none`);
  }
  console.log(`${provider.title}: ${variables.join(", ")} not set, so this runs on the simulated cloud`);
  return openEmbedded(provider);
}

/** @param environment of the controller. */
export async function openEmbedded(
  provider: ProviderEntry,
  environment: Readonly<Record<string, string>> = {},
): Promise<Site> {
  return withCleanUp(async (cleanUp) => {
    const folder = mkdtempSync(join(tmpdir(), "provisioning-"));
    cleanUp.defer(async () => rmSync(folder, { recursive: true }));
    const controller = startController(["up", "--no-demo", "--port", "0", "--state-dir", folder], environment);
    cleanUp.defer(() => controller.stop());
    const [, cloudApi = ""] = await controller.printed(new RegExp(`^simulated ${provider.title} +(\\S+)$`, "m"));
    return createSite({
      provider,
      cleanUp,
      kubeconfig: join(folder, "kubeconfig"),
      isSimulated: true,
      cloudApi,
      access: simulatedAccess(provider),
      sshKey: SIMULATED_SSH_KEY,
    });
  });
}

async function openRealCloud(provider: ProviderEntry): Promise<Site> {
  const { E2E_SSH_PUBKEY: sshKey, KUBECONFIG: kubeconfig } = process.env;
  if (!sshKey || !kubeconfig) {
    throw new Error(
      `the real ${provider.title} also needs E2E_SSH_PUBKEY (an authorized_keys line) and KUBECONFIG (a file of a ` +
        "cluster which new machines can reach, with everything in deploy/ applied)",
    );
  }
  console.log(`${provider.title}: the REAL cloud; what this creates costs money until it is deleted again`);
  return withCleanUp(async (cleanUp) => {
    const controller = startController(
      ["run", "--kubeconfig", kubeconfig, "--health-probe-address", "127.0.0.1:0", "--metrics-address", "127.0.0.1:0"],
      { ...process.env, [provider.credential.variable]: undefined },
    );
    cleanUp.defer(() => controller.stop());
    await controller.printed(/caches are filled/);
    const access = Object.entries(provider.access).map(([variable, { placeholder }]) => [
      placeholder,
      process.env[variable] ?? "",
    ]);
    return createSite({
      provider,
      cleanUp,
      kubeconfig,
      isSimulated: false,
      cloudApi: process.env[provider.endpoint.variable] ?? provider.endpoint.url,
      access: Object.fromEntries(access),
      sshKey,
    });
  });
}

export const simulatedAccess = ({ access }: ProviderEntry): Record<string, string> =>
  Object.fromEntries(Object.values(access).map(({ placeholder, simulated }) => [placeholder, simulated]));

export async function createSite({ provider, cleanUp, kubeconfig, ...rest }: Parts): Promise<Site> {
  const { client, close } = await connectKubeconfig({ kubeconfig, userAgent: "provisioning-suite" });
  cleanUp.defer(close);
  const patience = rest.isSimulated ? SIMULATED : REAL;
  const log = (line: string): void => console.log(`  ${line}`);
  const created: [Resource, KubeObject][] = [];
  cleanUp.defer(async () => {
    const isDeployment = ([resource]: [Resource, KubeObject]): boolean => resource === machineDeployments;
    // The credentials stay until nothing needs them any more.
    await removeAll(created.filter(isDeployment));
    await removeAll(created.filter((entry) => !isDeployment(entry)));
  });
  async function removeAll(objects: readonly [Resource, KubeObject][]): Promise<void> {
    const cluster = { client, signal: AbortSignal.timeout(patience.timeoutMs) };
    // Again and again: a request to create may still have been on its way when the suite was interrupted.
    const check: Check<void> = async () => {
      const removed = await Promise.all(objects.map(([resource, object]) => remove(cluster, resource, object)));
      const left = await Promise.all(objects.map(([, { metadata }]) => machinesLabelled(cluster, metadata.name ?? "")));
      const [present, machines] = [removed.filter(Boolean).length, left.flat().length];
      return present + machines === 0
        ? { done: undefined }
        : { pending: `${present} objects and ${machines} Machines left` };
    };
    await until("clean-up", check, { ...patience, ...cluster, progress: log });
  }
  return {
    ...rest,
    provider,
    client,
    signal: cleanUp.signal,
    identifier: process.env["E2E_IDENTIFIER"] ?? "local",
    log,
    until: (what, check) => until(what, check, { ...patience, signal: cleanUp.signal, progress: log }),
    async create(resource, object) {
      created.push([resource, object]);
      await client.create(resource, object, { signal: cleanUp.signal });
    },
    close: () => cleanUp.run(),
  };
}
