/**
 * The user data of a Machine: what an operating-system-manager put into `cloud-init-settings` for its MachineDeployment,
 * or our own, with a bootstrap token that only this Machine may use.
 */
import {
  BootstrapError,
  bootstrapKubeconfig,
  bootstrapTokenSecret,
  type ClusterInfo,
  fillPlaceholders,
  isTokenOf,
  parseClusterInfo,
  TOKEN_LIFETIME_MS,
  TOKEN_SECRET_BYTES,
  tokenIdFor,
  tokenOf,
  tokenRenewal,
  tokenSecretFrom,
  userDataFor,
} from "@machine-controller/bootstrap";
import { instanceNameOf } from "@machine-controller/api";
import {
  ANNOTATION_BOOTSTRAP_REVISION,
  ANNOTATION_REVISION,
  BOOTSTRAP_NAMESPACE,
  bootstrapSecretName,
  providerIdOf,
} from "@machine-controller/api/well-known";
import {
  coreResources,
  isKubeError,
  type KubeClient,
  type Secret,
  untilAborted,
} from "@machine-controller/kube-client";
import type { Informer } from "@machine-controller/kube-runtime";
import { parseProviderSpec, TerminalError } from "@machine-controller/provider";
import { setsProviderId, type Snapshot } from "./snapshot.ts";

export type UserDataSource = {
  /** Repeatable: the same Machine gets the same token again. `missing` says what has to exist first. */
  prepare(snapshot: Snapshot, call: { signal: AbortSignal }): Promise<{ text: string } | { missing: string }>;
  /** Tells when what was missing may be there. */
  onChange(listener: () => void): void;
};

export type UserDataOptions = {
  clusterDns: readonly string[];
  kubeletFeatureGates: Readonly<Record<string, boolean>>;
  /** API server as nodes reach it; undefined: what `kube-public/cluster-info` says. */
  apiServer: string | undefined;
};

/** The operating-system-manager holds every MachineDeployment that it makes user data for with this finalizer. */
const OPERATING_SYSTEM_MANAGER_FINALIZER = "kubermatic.io/cleanup-operating-system-configs";
/** Less than a Machine waits before it asks again for what is missing. */
const CLUSTER_INFO_FRESH_MS = 20_000;
/** Token IDs to try when another Machine has the first: six characters can collide. */
const TOKEN_ID_TRIES = 5;

export function createUserDataSource(context: {
  client: KubeClient;
  clock: { now(): number };
  random: { bytes(length: number): Uint8Array };
  /** Secrets of `cloud-init-settings`. */
  bootstrapSecrets: Informer<Secret>;
  options: UserDataOptions;
}): UserDataSource {
  const { client, clock, random, bootstrapSecrets, options } = context;

  function external({
    machine,
    machineSet,
    machineDeployment,
  }: Snapshot): { text: string } | { missing: string } | undefined {
    const { name, namespace = "", finalizers } = machineDeployment?.metadata ?? {};
    if (name === undefined) return undefined;
    const secretName = bootstrapSecretName(name, namespace);
    const wanted = machineSet?.metadata.annotations?.[ANNOTATION_REVISION];
    // The Secret without a revision is for the newest MachineSet alone; one of their own keeps the older ones whole.
    const secret =
      bootstrapSecrets.store.get(BOOTSTRAP_NAMESPACE, `${secretName}-${wanted}`) ??
      bootstrapSecrets.store.get(BOOTSTRAP_NAMESPACE, secretName);
    const at = `Secret ${BOOTSTRAP_NAMESPACE}/${secretName}`;
    if (secret === undefined) {
      const managed = finalizers?.includes(OPERATING_SYSTEM_MANAGER_FINALIZER) ?? false;
      return managed ? { missing: `${at} does not exist yet; the operating-system-manager makes it` } : undefined;
    }
    const madeFor = secret.metadata.annotations?.[ANNOTATION_BOOTSTRAP_REVISION];
    if (madeFor !== undefined && madeFor !== wanted) {
      return {
        missing: `${at} is for revision ${madeFor} of the MachineDeployment and the MachineSet is revision ${wanted}`,
      };
    }
    const cloudConfig = secret.data?.["cloud-config"];
    if (cloudConfig === undefined) return { missing: `${at} has no key "cloud-config"` };
    return { text: fillPlaceholders(Buffer.from(cloudConfig, "base64").toString(), instanceNameOf(machine)) };
  }

  /** Shared by all Machines, so that none of them may end it. */
  async function clusterInfo(): Promise<ClusterInfo | { missing: string }> {
    const ref = { namespace: "kube-public", name: "cluster-info" };
    const { signal } = new AbortController();
    try {
      const configMap = await client.get(coreResources.configMaps, ref, { signal });
      const published = parseClusterInfo(configMap.data?.["kubeconfig"] ?? "");
      return { ...published, server: options.apiServer ?? published.server };
    } catch (error) {
      const missing = missingClusterInfo(error);
      if (missing === undefined) throw error;
      return { missing };
    }
  }
  let remembered: { readAtMs: number; info: ReturnType<typeof clusterInfo> } | undefined;
  function rememberedClusterInfo(signal: AbortSignal): ReturnType<typeof clusterInfo> {
    if (remembered === undefined || Math.abs(clock.now() - remembered.readAtMs) > CLUSTER_INFO_FRESH_MS) {
      const info = clusterInfo();
      remembered = { readAtMs: clock.now(), info };
      info.catch(() => (remembered = undefined));
    }
    return untilAborted(remembered.info, signal);
  }

  /** The Machine's bootstrap token, made now or by an earlier call; valid for at least half its lifetime. */
  async function tokenFor({ machine }: Snapshot, signal: AbortSignal): Promise<string> {
    for (let attempt = 0; attempt < TOKEN_ID_TRIES; attempt++) {
      const secret = bootstrapTokenSecret({
        machine,
        tokenId: tokenIdFor(machine.metadata.uid ?? "", attempt),
        tokenSecret: tokenSecretFrom(random.bytes(TOKEN_SECRET_BYTES)),
        expiresAtMs: clock.now() + TOKEN_LIFETIME_MS,
      });
      try {
        return tokenOf((await client.create(coreResources.secrets, secret, { signal })).data ?? {});
      } catch (error) {
        if (!isKubeError(error, "AlreadyExists")) throw error;
      }
      const { namespace, name } = secret.metadata;
      const existing = await client.get(coreResources.secrets, { namespace, name }, { signal });
      if (!isTokenOf(existing.data ?? {}, machine)) continue;
      const renewal = tokenRenewal(existing.data ?? {}, clock.now());
      if (renewal !== undefined) {
        // Not patched: the roles of the Go implementation let Secrets be updated only.
        await client.update(coreResources.secrets, { ...existing, data: { ...existing.data, ...renewal } }, { signal });
      }
      return tokenOf(existing.data ?? {});
    }
    throw new Error(`no free bootstrap token ID for Machine ${machine.metadata.namespace}/${machine.metadata.name}`);
  }

  return {
    onChange: (listener) => bootstrapSecrets.onChange(() => listener()),
    async prepare(snapshot, { signal }) {
      const given = external(snapshot);
      if (given !== undefined) return given;
      const { machine, provider } = snapshot;
      try {
        const info = await rememberedClusterInfo(signal);
        if ("missing" in info) return info;
        const { server, caCertificatePem } = info;
        const token = await tokenFor(snapshot, signal);
        const text = userDataFor({
          machine,
          providerSpec: parseProviderSpec(machine.spec),
          bootstrapKubeconfig: bootstrapKubeconfig({ server, caCertificatePem, token }),
          caCertificatePem,
          clusterDns: options.clusterDns,
          ...(setsProviderId(snapshot) && {
            kubeletProviderId: providerIdOf(provider.name, machine.metadata.uid ?? ""),
          }),
          externalCloudProvider: snapshot.options.externalCloudProvider,
          kubeletFeatureGates: options.kubeletFeatureGates,
          taints: machine.spec.taints ?? [],
          hostnameOverride: !NAMED_BY_CLOUD.has(provider.name),
        });
        return { text };
      } catch (cause) {
        if (!(cause instanceof BootstrapError)) throw cause;
        throw new TerminalError("InvalidConfiguration", cause.message, { cause });
      }
    },
  };
}

/** Clouds whose cloud-controller-manager finds a Node by the name that the cloud gave the instance. */
const NAMED_BY_CLOUD: ReadonlySet<string> = new Set(["aws", "openstack"]);

/** What keeps the address and authority of the cluster from being known; undefined: the error says nothing of that. */
function missingClusterInfo(error: unknown): string | undefined {
  if (error instanceof BootstrapError) return error.message;
  if (isKubeError(error, "NotFound"))
    return "ConfigMap kube-public/cluster-info does not exist; create it with a kubeconfig of this cluster (kubeadm does)";
  if (isKubeError(error, "Forbidden"))
    return `ConfigMap kube-public/cluster-info cannot be read: ${error.message}; allow the controller to get it`;
  return undefined;
}
