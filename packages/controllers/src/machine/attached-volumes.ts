/** Which volumes are attached to a Node: one list of all VolumeAttachments, shared by the Machines that are deleted. */
import { coreResources, type KubeClient } from "@machine-controller/kube-client";
import { createSharedReads } from "./shared-reads.ts";

export type AttachedVolumes = {
  /** Names of the PersistentVolumes attached to the Node, as of a list that began after `startedAfterMs`. */
  ofNode(name: string, request: { startedAfterMs: number; signal: AbortSignal }): Promise<readonly string[]>;
};

export function createAttachedVolumes(options: { client: KubeClient; clock: { now(): number } }): AttachedVolumes {
  const { client, clock } = options;
  const reads = createSharedReads<{ byNode: ReadonlyMap<string, readonly string[]> }>({ clock, most: 1 });

  async function fetchAll(): Promise<{ byNode: ReadonlyMap<string, readonly string[]> }> {
    // Ended by the client's time-out alone: others wait for it too.
    const { signal } = new AbortController();
    const { items } = await client.listAll(coreResources.volumeAttachments, { signal });
    const byNode = new Map<string, string[]>();
    for (const { metadata, spec, status } of items) {
      if (!status?.attached) continue;
      const volume = spec.source.persistentVolumeName ?? metadata.name ?? "";
      byNode.set(spec.nodeName, [...(byNode.get(spec.nodeName) ?? []), volume]);
    }
    return { byNode };
  }

  return {
    async ofNode(name, { startedAfterMs, signal }) {
      const { byNode } = await reads.read("", { startedAfterMs, read: fetchAll, signal });
      return byNode.get(name)?.toSorted() ?? [];
    },
  };
}
