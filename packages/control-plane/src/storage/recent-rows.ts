/** The rows that were read or written last. Controllers look at what has just been written, clients at it again. */
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

export function createRecentRows(): RecentRows {
  const rows = new Map<string, Stored | undefined>();
  const note = (id: string, row: Stored | undefined): void => {
    rows.delete(id);
    rows.set(id, row);
    if (rows.size <= MOST_ROWS) return;
    const [oldest = ""] = rows.keys();
    rows.delete(oldest);
  };
  return {
    get(key, read) {
      const id = idOf(key);
      if (rows.has(id)) return rows.get(id);
      const row = read();
      note(id, row);
      return row;
    },
    note: (key, row) => note(idOf(key), row),
    forget: () => rows.clear(),
  };
}

const idOf = ({ resource, namespace, name }: Key): string => `${resource}/${namespace}/${name}`;
