/** Deletes what lost its owners, and carries out foreground and orphan deletion. */
import { parseApiVersion } from "../object.ts";
import type { KubeObject, OwnerReference } from "../object.ts";
import type { Server } from "../server.ts";
import type { Change } from "../storage/storage.ts";
import { changeStored, read, removeStored } from "../system-request.ts";
import type { Target } from "../system-request.ts";
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "../verbs/delete.ts";
import type { Controller } from "./controller.ts";
import { createOwnerIndex, OWNED } from "./owner-index.ts";
import { fromKey, toKey } from "./stored-key.ts";

type Owned = { target: Target; object: KubeObject };
/** Solid: alive. Waiting: being deleted in the foreground. Gone: absent, or another object of that name. */
type OwnerState = "solid" | "waiting" | "gone";

const DELETING = '"deletionTimestamp"';

export function createGarbageCollector(server: Server): Controller {
  const index = createOwnerIndex();

  function load(key: string): Owned | undefined {
    const { resource: storage, namespace, name } = fromKey(key);
    const resource = server.registry.all().find((candidate) => candidate.storage === storage);
    if (resource === undefined) return undefined;
    const target = { resource, namespace, name };
    const object = read(server, target);
    return object === undefined ? undefined : { target, object };
  }

  function dependentsOf(uid: string): Owned[] {
    return index
      .dependents(uid)
      .map(load)
      .filter((owned) => owned !== undefined);
  }

  function stateOf(owner: OwnerReference, namespace: string): OwnerState | "unknown" {
    const { group, version } = parseApiVersion(owner.apiVersion);
    const resource = server.registry.findKind(group, version, owner.kind);
    if (resource === undefined) return "unknown";
    const object = read(server, { resource, namespace: resource.namespaced ? namespace : "", name: owner.name });
    if (object === undefined || object.metadata.uid !== owner.uid) return "gone";
    return isWaiting(object) ? "waiting" : "solid";
  }

  async function collect({ target, object }: Owned): Promise<void> {
    const owners = object.metadata.ownerReferences ?? [];
    const states = owners.map((owner) => stateOf(owner, object.metadata.namespace ?? ""));
    if (owners.length === 0 || states.includes("unknown")) return;
    if (states.includes("solid")) {
      if (states.every((state) => state === "solid")) return;
      const solid = owners.filter((_owner, at) => states[at] === "solid").map(({ uid }) => uid);
      await dropOwners({ target, object }, (owner) => !solid.includes(owner.uid));
      return;
    }
    if (object.metadata.deletionTimestamp !== undefined && !isWaiting(object)) return;
    const inForeground = states.includes("waiting") && index.dependents(object.metadata.uid).length > 0;
    if (inForeground && isWaiting(object)) return;
    await removeStored(server, target, {
      preconditions: { uid: object.metadata.uid },
      propagationPolicy: inForeground ? "Foreground" : policyOf(object),
    });
  }

  async function dropOwners({ target, object }: Owned, drops: (owner: OwnerReference) => boolean): Promise<void> {
    await changeStored(server, target, (old) => {
      if (old.metadata.uid !== object.metadata.uid) return old;
      const kept = (old.metadata.ownerReferences ?? []).filter((owner) => !drops(owner));
      if (kept.length === 0) delete old.metadata.ownerReferences;
      else old.metadata.ownerReferences = kept;
      return old;
    });
  }

  async function finishDeletion(owned: Owned): Promise<void> {
    const { object, target } = owned;
    const { uid, finalizers = [] } = object.metadata;
    if (finalizers.includes(ORPHAN_FINALIZER)) {
      for (const dependent of dependentsOf(uid)) await dropOwners(dependent, (owner) => owner.uid === uid);
      await dropFinalizer(target, ORPHAN_FINALIZER);
    }
    if (!finalizers.includes(FOREGROUND_FINALIZER)) return;
    const dependents = dependentsOf(uid);
    const blocking = dependents.filter(({ object: dependent }) =>
      dependent.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    );
    if (blocking.length === 0) await dropFinalizer(target, FOREGROUND_FINALIZER);
    for (const dependent of dependents) await collect(dependent);
  }

  async function dropFinalizer(target: Target, finalizer: string): Promise<void> {
    await changeStored(server, target, (old) => {
      old.metadata.finalizers = (old.metadata.finalizers ?? []).filter((name) => name !== finalizer);
      if (old.metadata.finalizers.length === 0) delete old.metadata.finalizers;
      return old;
    });
  }

  return {
    name: "garbage-collector",
    *start() {
      for (const stored of server.storage.mentioning(OWNED, DELETING)) {
        const key = toKey(stored);
        if (index.update(key, stored.json, () => parse(stored)) || stored.json.includes(DELETING)) yield key;
      }
    },
    *keysOf(change: Change) {
      const key = toKey(change);
      if (change.type === "DELETED") {
        const owners = index.remove(key);
        const { uid } = parse(change).metadata;
        yield* index.dependents(uid);
        yield* owners.flatMap((owner) => index.keyOf(owner) ?? []);
        return;
      }
      const isOwned = index.update(key, change.json, () => load(key)?.object ?? parse(change));
      const isDeleting = change.json.includes(DELETING);
      if (isDeleting) index.remember(key, change.json);
      if (isOwned || isDeleting) yield key;
    },
    async reconcile(key) {
      const owned = load(key);
      if (owned === undefined) return;
      if (owned.object.metadata.deletionTimestamp !== undefined) await finishDeletion(owned);
      await collect(owned);
    },
  };
}

const parse = ({ json }: { json: string }): KubeObject => JSON.parse(json) as KubeObject;

function isWaiting(object: KubeObject): boolean {
  const { deletionTimestamp, finalizers = [] } = object.metadata;
  return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND_FINALIZER);
}

function policyOf(object: KubeObject): string {
  const finalizers = object.metadata.finalizers ?? [];
  if (finalizers.includes(ORPHAN_FINALIZER)) return "Orphan";
  return finalizers.includes(FOREGROUND_FINALIZER) ? "Foreground" : "Background";
}
