/** Who depends on whom: owner UID → keys of dependants. Fed with every change; holds no objects. */
import type { KubeObject } from "../object.ts";

/** In the text of every object that has owners. */
export const OWNED = '"ownerReferences"';

export type OwnerIndex = {
  /** Returns whether the object has owners. */
  update(key: string, json: string, parse: () => KubeObject): boolean;
  /** Forgets a dependant; returns the UIDs of its owners. */
  remove(key: string): string[];
  /** Keeps the key of an owner that is being deleted, to look at it again when a dependant goes. */
  remember(key: string, json: string): void;
  dependents(uid: string): string[];
  keyOf(uid: string): string | undefined;
};

export function createOwnerIndex(): OwnerIndex {
  const dependents = new Map<string, Set<string>>();
  const owners = new Map<string, string[]>();
  const deleting = new Map<string, string>();

  const remove = (key: string): string[] => {
    const uids = owners.get(key) ?? [];
    owners.delete(key);
    for (const uid of uids) {
      const keys = dependents.get(uid);
      keys?.delete(key);
      if (keys?.size === 0) dependents.delete(uid);
    }
    return uids;
  };

  return {
    remove(key) {
      for (const [uid, owner] of deleting) if (owner === key) deleting.delete(uid);
      return remove(key);
    },
    update(key, json, parse) {
      remove(key);
      // Parsing every object of every commit would cost more than this whole controller.
      if (!json.includes(OWNED)) return false;
      const uids = (parse().metadata.ownerReferences ?? []).map(({ uid }) => uid);
      if (uids.length > 0) owners.set(key, uids);
      for (const uid of uids) {
        const keys = dependents.get(uid) ?? new Set();
        dependents.set(uid, keys.add(key));
      }
      return uids.length > 0;
    },
    remember(key, json) {
      deleting.set((JSON.parse(json) as KubeObject).metadata.uid, key);
    },
    dependents: (uid) => [...(dependents.get(uid) ?? [])],
    keyOf: (uid) => deleting.get(uid),
  };
}
