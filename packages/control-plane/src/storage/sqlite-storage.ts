/** The store on SQLite. */
import { backUpDatabase } from "./back-up.ts";
import { createCommitQueue } from "./commit-queue.ts";
import { StorageError } from "./storage-error.ts";
import { openDatabase } from "./sqlite-file.ts";
import { createRecentRows } from "./recent-rows.ts";
import { prepareStatements } from "./statements.ts";
import type { Change, Key, ListQuery, Storage, Stored } from "./storage.ts";
import { openTransaction } from "./transaction.ts";
import type { PendingChange } from "./transaction.ts";

/** Revisions a watcher may lag behind before it must list again. */
const KEPT_REVISIONS = 10_000;
/** Compaction is part of a commit each time this many revisions have come on top. */
const COMPACTION_STEP = 500;

type ObjectRow = Pick<Stored, "namespace" | "name" | "revision">;
type ChangeRow = Omit<Change, "previous"> & { previous: string | null };

export type StorageOptions = {
  /** As `openDatabase` takes it. */
  database: string | Uint8Array;
  /** Schedules the commit of the writes that have gathered; absent: each write commits at once. */
  defer?: (commit: () => void) => void;
  keptRevisions?: number;
};

export function openStorage(options: StorageOptions): Storage {
  const database = openDatabase(options.database);
  const statements = prepareStatements(database);
  const kept = options.keptRevisions ?? KEPT_REVISIONS;
  const step = Math.min(COMPACTION_STEP, kept);
  let compacted = Number(readSetting("compacted"));
  let compacting = compacted;
  let revision = Math.max(compacted, Number(statements.lastRevision.get()?.["revision"] ?? 0));
  const recent = createRecentRows();
  const listeners = new Set<(changes: readonly Change[]) => void>();

  const queue = createCommitQueue<PendingChange>({
    database,
    statements,
    defer: options.defer,
    execute: (mutate) => {
      const start = revision;
      try {
        const { transaction, changes } = openTransaction({ get, list, nextRevision: () => (revision += 1) });
        return { result: mutate(transaction), changes };
      } catch (error) {
        revision = start;
        throw error;
      }
    },
    apply: (changes) => {
      for (const change of changes) apply(change);
    },
    finish: () => {
      if (revision - compacted >= kept + step) compact(revision - kept);
    },
    committed: (changes) => {
      compacted = compacting;
      for (const listener of listeners) listener(changes);
    },
    rolledBack: (lastRevision) => {
      recent.forget();
      revision = lastRevision;
      compacting = compacted;
    },
    revision: () => revision,
  });

  function apply({ type, resource, namespace, name, revision: at, replaces, json }: PendingChange): void {
    recent.note(
      { resource, namespace, name },
      type === "DELETED" ? undefined : { resource, namespace, name, revision: at, json },
    );
    statements.addHistory.run(at, type, resource, namespace, name, replaces ?? null, json);
    if (type === "DELETED") statements.removeObject.run(resource, namespace, name);
    else statements.putObject.run(resource, namespace, name, at);
  }

  function compact(through: number): void {
    statements.forgetSuperseded.run(compacted, through);
    statements.forgetDeleted.run(compacted, through);
    writeSetting("compacted", String(through));
    compacting = through;
  }

  function get(key: Key): Stored | undefined {
    return recent.get(key, () => statements.get.get(key.resource, key.namespace, key.name) as Stored | undefined);
  }

  function list(query: ListQuery): Stored[] {
    const { resource, at = revision, namespace, limit = -1 } = query;
    const after = query.after ?? { namespace: "", name: "" };
    const page = [after.namespace, after.name, limit] as const;
    const isPast = at !== revision;
    if (query.isLazy === true) {
      const keys = isPast
        ? statements.listKeysAt.iterate(resource, at, namespace ?? null, ...page)
        : statements.listKeys.iterate(resource, namespace ?? null, ...page);
      return Array.from(keys as Iterable<ObjectRow>, (row) => new LazyRow(resource, row, textAt));
    }
    const rows = isPast
      ? statements.listAt.all(resource, at, namespace ?? null, ...page)
      : namespace === undefined
        ? statements.list.all(resource, ...page)
        : statements.listNamespace.all(resource, namespace, after.name, limit);
    return rows as Stored[];
  }

  function textAt(at: number): string {
    const text = statements.textAt.get(at)?.["json"];
    if (typeof text !== "string") throw new StorageError("Compacted", `revision ${at} is compacted`);
    return text;
  }

  function readSetting(name: string): string | undefined {
    return (statements.setting.get(name) as { value: string } | undefined)?.value;
  }

  function writeSetting(name: string, value: string): void {
    statements.setSetting.run(name, value);
  }

  return {
    get revision() {
      return queue.committedRevision();
    },
    get compacted() {
      return compacted;
    },
    get,
    list,
    mentioning: (one, other) => statements.mentioning.iterate(one, other) as Iterable<Stored>,
    count: ({ resource, namespace }) => (statements.count.get(resource, namespace ?? null) as { count: number }).count,
    counts: () => statements.counts.all() as { resource: string; count: number }[],
    sizeBytes: () => Number(statements.pages.get()?.["bytes"]),
    isUsable: () => queue.ended() === undefined && statements.setting.get("compacted") !== undefined,
    *changes({ resource, after }) {
      for (const row of statements.changes.iterate(resource, after) as Iterable<ChangeRow>) {
        yield { ...row, previous: row.previous ?? undefined };
      }
    },
    write: (mutate) => queue.write(mutate),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setting: readSetting,
    setSetting: writeSetting,
    backUp: (path) => backUpDatabase(database, path),
    snapshot: () => database.serialize(),
    close: () => {
      queue.close();
      listeners.clear();
      if (database.isOpen) database.close();
    },
  };
}

/** Reads its text when it is looked at; many of them are in memory at once. */
class LazyRow implements Stored {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly #textAt: (revision: number) => string;

  constructor(resource: string, { namespace, name, revision }: ObjectRow, textAt: (revision: number) => string) {
    this.resource = resource;
    this.namespace = namespace;
    this.name = name;
    this.revision = revision;
    this.#textAt = textAt;
  }

  get json(): string {
    return this.#textAt(this.revision);
  }
}
