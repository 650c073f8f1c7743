/**
 * What the verbs need of a store: current objects, their past up to a compaction point, and group-committed writes.
 * Invariant: the revision only rises, and nobody sees a write that is not committed.
 */
import type { KubeObject } from "../object.ts";

export type Key = { resource: string; namespace: string; name: string };

/** `json` is the object as it is served, resourceVersion included. */
export type Stored = Key & { revision: number; json: string };

export type Change = Stored & { type: "ADDED" | "MODIFIED" | "DELETED"; previous: string | undefined };

export type ListQuery = {
  resource: string;
  namespace?: string;
  /** Only objects after this one, in (namespace, name) order. */
  after?: { namespace: string; name: string };
  limit?: number;
  /** The state as it was at this revision; must not be below `compacted`. */
  at?: number;
  /** Texts are read only when they are looked at, for long lists. Throws then if a text is compacted meanwhile. */
  isLazy?: boolean;
};

/** Reads see the writes of earlier transactions of the same commit, not those of this transaction. */
export type Transaction = {
  get: (key: Key) => Stored | undefined;
  list: (query: ListQuery) => Stored[];
  /** Stores the object under a new resourceVersion, which it writes into the object's metadata. */
  put(key: Key, object: KubeObject): KubeObject;
  /** Removes the object; watchers see `last` with the revision of the removal. */
  remove(key: Key, last: KubeObject): KubeObject;
};

export type Storage = {
  readonly revision: number;
  /** Changes up to and including this revision may be forgotten. */
  readonly compacted: number;
  get: (key: Key) => Stored | undefined;
  list: (query: ListQuery) => Stored[];
  /** Current objects whose text has one of the words; to be gone through at once, before anything is written. */
  mentioning(one: string, other: string): Iterable<Stored>;
  count(query: { resource: string; namespace?: string }): number;
  /** How many objects there are of each resource that has any. */
  counts(): { resource: string; count: number }[];
  /** Size of the database, what waits to be merged into its file included. */
  sizeBytes(): number;
  /** Whether it can be read and is not known to be past writing. */
  isUsable(): boolean;
  /** Changes of one resource after a revision, oldest first; to be gone through as `mentioning`. */
  changes(query: { resource: string; after: number }): Iterable<Change>;
  /** Settles after the commit is durable. What `mutate` throws undoes this transaction alone. */
  write<T>(mutate: (transaction: Transaction) => T): Promise<T>;
  /** Called after each commit with its changes, in order. Returns how to stop. */
  subscribe(listener: (changes: readonly Change[]) => void): () => void;
  /** Small server-owned values: keys, certificates, tokens. */
  setting(name: string): string | undefined;
  setSetting(name: string, value: string): void;
  /** Writes all that is committed into one new file, whole or not at all; throws when there is such a file. */
  backUp(path: string): void;
  /** All that is committed, as the bytes of a file; to open as a copy. */
  snapshot(): Uint8Array;
  close(): void;
};
