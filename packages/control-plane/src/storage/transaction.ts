/** One transaction at work: it reads the store, and gathers the changes to be made to it. */
import type { KubeObject } from "../object.ts";
import { StatusError } from "../status-error.ts";
import type { Change, Key, Stored, Storage, Transaction } from "./storage.ts";

/** What etcd takes; its words are the ones clients know. */
const MAX_OBJECT_BYTES = 1.5 * 1024 * 1024;

/** `replaces`: the revision of the state that the change supersedes, if there is one. */
export type PendingChange = Change & { replaces: number | undefined };

/** The text of what was put last, so that the answer to a write need not make it again. */
const TEXTS = new WeakMap<KubeObject, string>();

/** The text under which this very object was put; it has not been changed since. */
export const textOfPut = (object: KubeObject): string | undefined => TEXTS.get(object);

export function openTransaction(store: Pick<Storage, "get" | "list"> & { nextRevision: () => number }) {
  const read = new Map<string, Stored | undefined>();
  /** What this transaction's own writes have made of its keys. */
  const written = new Map<string, Stored | undefined>();
  const changes: PendingChange[] = [];

  const get = (key: Key): Stored | undefined => {
    const id = idOf(key);
    if (!read.has(id)) read.set(id, store.get(key));
    return read.get(id);
  };
  const record = (key: Key, object: KubeObject, isRemoval: boolean): KubeObject => {
    const id = idOf(key);
    const { resource, namespace, name } = key;
    const before = written.has(id) ? written.get(id) : get(key);
    const revision = store.nextRevision();
    object.metadata.resourceVersion = String(revision);
    const json = JSON.stringify(object);
    if (Buffer.byteLength(json) > MAX_OBJECT_BYTES) {
      throw new StatusError("Unknown", "etcdserver: request is too large");
    }
    if (!isRemoval) TEXTS.set(object, json);
    const stored = { resource, namespace, name, revision, json };
    const type = isRemoval ? "DELETED" : before === undefined ? "ADDED" : "MODIFIED";
    changes.push({ ...stored, type, previous: before?.json, replaces: before?.revision });
    written.set(id, isRemoval ? undefined : stored);
    return object;
  };
  const transaction: Transaction = {
    get,
    list: store.list,
    put: (key, object) => record(key, object, false),
    remove: (key, last) => record(key, last, true),
  };
  return { transaction, changes };
}

function idOf({ resource, namespace, name }: Key): string {
  return `${resource}/${namespace}/${name}`;
}
