/**
 * Group commit: transactions that arrive together run one after the other inside one SQLite transaction, and every
 * caller hears of its result only after that has been made durable.
 */
import type { DatabaseSync } from "node:sqlite";
import { StorageError } from "./storage-error.ts";
import type { Transaction } from "./storage.ts";

type Mutate = (transaction: Transaction) => unknown;
type Waiting = { mutate: Mutate; resolve: (value: unknown) => void; reject: (error: unknown) => void };

export type CommitQueueOptions<C> = {
  database: DatabaseSync;
  defer: ((commit: () => void) => void) | undefined;
  /** Runs one transaction without touching the database yet; what it throws rejects this one alone. */
  execute(mutate: Mutate): { result: unknown; changes: C[] };
  apply(changes: C[]): void;
  committed(changes: C[]): void;
  rolledBack(revision: number): void;
  revision(): number;
};

export function createCommitQueue<C>(options: CommitQueueOptions<C>) {
  const { database } = options;
  const waiting: Waiting[] = [];
  let busy = false;
  let committedRevision = options.revision();
  let closed = false;

  /** A listener may write: its transaction waits until all listeners have heard of this commit. */
  function commit(): void {
    if (busy) return;
    busy = true;
    try {
      while (waiting.length > 0) commitBatch(waiting.splice(0));
    } finally {
      busy = false;
    }
  }

  function commitBatch(batch: Waiting[]): void {
    const changes: C[] = [];
    const settle: (() => void)[] = [];
    try {
      database.exec("BEGIN IMMEDIATE");
      for (const { mutate, resolve, reject } of batch) {
        const done = attempt(() => options.execute(mutate));
        if ("error" in done) {
          settle.push(() => reject(done.error));
          continue;
        }
        options.apply(done.value.changes);
        changes.push(...done.value.changes);
        settle.push(() => resolve(done.value.result));
      }
      database.exec(changes.length === 0 ? "ROLLBACK" : "COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      options.rolledBack(committedRevision);
      for (const { reject } of batch) reject(error);
      return;
    }
    committedRevision = options.revision();
    // First, so that no listener's failure can leave a writer waiting; callers go on after this turn all the same.
    for (const done of settle) done();
    if (changes.length > 0) options.committed(changes);
  }

  return {
    committedRevision: () => committedRevision,
    write<T>(mutate: (transaction: Transaction) => T): Promise<T> {
      if (closed) return Promise.reject(new StorageError("Closed", "the database is closed"));
      return new Promise<T>((resolve, reject) => {
        waiting.push({ mutate, resolve: resolve as (value: unknown) => void, reject });
        if (options.defer === undefined) commit();
        else if (waiting.length === 1) options.defer(commit);
      });
    },
    /** Commits what is still waiting. */
    close(): void {
      closed = true;
      commit();
    },
  };
}

function attempt<T>(run: () => T): { value: T } | { error: unknown } {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}
