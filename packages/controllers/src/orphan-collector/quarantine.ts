/**
 * What the collector remembers between passes and restarts: the ConfigMap `kube-system/machine-controller-orphans`, an
 * entry an instance. A person reads with kubectl what will be deleted, when and why, long before it is.
 */
import { type ConfigMap, coreResources, isKubeError, type KubeClient } from "@machine-controller/kube-client";

export const QUARANTINE = { namespace: "kube-system", name: "machine-controller-orphans" };

/** The evidence against one instance. Times are RFC 3339. */
export type Orphan = {
  readonly provider: string;
  readonly account: string;
  readonly id: string;
  readonly name: string;
  /** The Machine that its mark names and that does not exist. */
  readonly machineUid: string;
  readonly firstSeenAt: string;
};

export type Quarantine = {
  readonly orphans: readonly Orphan[];
  /** As it was read; undefined before the first orphan. */
  readonly stored: ConfigMap | undefined;
};

const { configMaps } = coreResources;
const MOST_ENTRIES = 1_000;

/** @throws KubeError. An entry that cannot be read is as if never seen: its instance begins again with a full grace. */
export async function readQuarantine(client: KubeClient, { signal }: { signal: AbortSignal }): Promise<Quarantine> {
  try {
    const stored = await client.get(configMaps, QUARANTINE, { signal });
    return { stored, orphans: Object.values(stored.data ?? {}).flatMap(parseOrphan) };
  } catch (error) {
    if (isKubeError(error, "NotFound")) return { stored: undefined, orphans: [] };
    throw error;
  }
}

/** Applies only to what was read: of two leaders one fails. Beyond 1,000 orphans the newest wait for a later pass. */
export async function writeQuarantine(
  client: KubeClient,
  { stored }: Quarantine,
  { orphans, signal }: { orphans: readonly Orphan[]; signal: AbortSignal },
): Promise<ConfigMap | undefined> {
  const data = Object.fromEntries(
    orphans.slice(0, MOST_ENTRIES).map((orphan) => [entryName(orphan), JSON.stringify(orphan)]),
  );
  if (stored === undefined) {
    if (orphans.length === 0) return undefined;
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { ...QUARANTINE }, data };
    return client.create(configMaps, object, { signal });
  }
  const names = new Set([...Object.keys(stored.data ?? {}), ...Object.keys(data)]);
  const changed = [...names].filter((name) => stored.data?.[name] !== data[name]);
  if (changed.length === 0) return stored;
  const { resourceVersion } = stored.metadata;
  const body = {
    metadata: { resourceVersion },
    data: Object.fromEntries(changed.map((name) => [name, data[name] ?? null])),
  };
  return client.patch(configMaps, QUARANTINE, { type: "merge", body }, { signal });
}

/** Keys of a ConfigMap take letters, digits, `-`, `_` and `.`; IDs of some clouds are paths. */
function entryName({ provider, id }: Orphan): string {
  return `${provider}.${id.replaceAll(/[^A-Za-z0-9-]/g, (character) => `_${character.codePointAt(0)?.toString(16)}_`)}`;
}

function parseOrphan(text: string): Orphan[] {
  try {
    const parsed = JSON.parse(text) as Partial<Record<keyof Orphan, unknown>> | null;
    const fields = ["provider", "account", "id", "name", "machineUid", "firstSeenAt"] as const;
    const isWhole = fields.every((field) => typeof parsed?.[field] === "string" && parsed[field] !== "");
    return isWhole && Number.isFinite(Date.parse((parsed as Orphan).firstSeenAt)) ? [parsed as Orphan] : [];
  } catch {
    return [];
  }
}
