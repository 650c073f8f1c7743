/** The rows that were read or written last. Controllers look at what has just been written, clients at it again. */
import { LRUCache } from "lru-cache";
import type { Key, Stored } from "./storage.ts";

export type RecentRows = {
  /** The row under the key, from `read` unless it is known; undefined where there is none. */
  get(key: Key, read: () => Stored | undefined): Stored | undefined;
  /** What a write has made of the key. */
  note(key: Key, row: Stored | undefined): void;
  /** After writes that were undone. */
  forget(): void;
};

const MOST_ROWS = 500;
const ABSENT = Symbol("no row");

export function createRecentRows(): RecentRows {
  const rows = new LRUCache<string, Stored | typeof ABSENT>({ max: MOST_ROWS });
  return {
    get(key, read) {
      const id = idOf(key);
      let row = rows.get(id);
      if (row === undefined) rows.set(id, (row = read() ?? ABSENT));
      return row === ABSENT ? undefined : row;
    },
    note: (key, row) => void rows.set(idOf(key), row ?? ABSENT),
    forget: () => rows.clear(),
  };
}

const idOf = ({ resource, namespace, name }: Key): string => `${resource}/${namespace}/${name}`;
