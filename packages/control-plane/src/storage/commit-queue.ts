/**
 * Group commit: transactions that arrive together run one after the other inside one SQLite transaction, and every
 * caller hears of its result only after that has been made durable.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Statements } from "./statements.ts";
import { StorageError, writeError } from "./storage-error.ts";
import type { Transaction } from "./storage.ts";

type Mutate = (transaction: Transaction) => unknown;
type Waiting = { mutate: Mutate; resolve: (value: unknown) => void; reject: (error: unknown) => void };

export type CommitQueueOptions<C> = {
  database: DatabaseSync;
  statements: Statements;
  defer: ((commit: () => void) => void) | undefined;
  /** Runs one transaction without touching the database yet; what it throws rejects this one alone. */
  execute(mutate: Mutate): { result: unknown; changes: C[] };
  apply(changes: C[]): void;
  /** The last step inside the SQLite transaction. */
  finish(): void;
  committed(changes: C[]): void;
  rolledBack(revision: number): void;
  revision(): number;
};

/** How often a commit waits once more because writes still stream in; each time costs one turn of the event loop. */
const MAX_TURNS = 4;

export function createCommitQueue<C>(options: CommitQueueOptions<C>) {
  const { database, statements, defer } = options;
  const waiting: Waiting[] = [];
  let busy = false;
  let committedRevision = options.revision();
  /** Why nothing is written any more. */
  let ended: StorageError | undefined;

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

  /** One flush to disk serves all who come in time; nobody waits for those who do not come. */
  function gather(defer: (then: () => void) => void, seen: number, turn: number): void {
    defer(() => {
      const isGrowing = waiting.length > seen && turn < MAX_TURNS;
      if (isGrowing) gather(defer, waiting.length, turn + 1);
      else commit();
    });
  }

  function commitBatch(batch: Waiting[]): void {
    const changes: C[] = [];
    const settle: (() => void)[] = [];
    try {
      if (ended !== undefined && ended.code !== "Closed") throw ended;
      statements.begin.run();
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
      if (changes.length > 0) options.finish();
      (changes.length === 0 ? statements.rollBack : statements.commit).run();
    } catch (error) {
      abandon(error, batch);
      return;
    }
    committedRevision = options.revision();
    // First, so that no listener's failure can leave a writer waiting; callers go on after this turn all the same.
    for (const done of settle) done();
    if (changes.length > 0) options.committed(changes);
  }

  function abandon(error: unknown, batch: Waiting[]): void {
    const failure = writeError(error);
    // After a failed flush nobody knows what is on the disk: only opening the file again tells.
    if (failure.code === "Failed") ended ??= failure;
    if (database.isTransaction) statements.rollBack.run();
    options.rolledBack(committedRevision);
    for (const { reject } of batch) reject(failure);
  }

  return {
    committedRevision: () => committedRevision,
    /** Why writes are refused from now on, if they are. */
    ended: () => ended,
    write<T>(mutate: (transaction: Transaction) => T): Promise<T> {
      if (ended !== undefined) return Promise.reject(ended);
      return new Promise<T>((resolve, reject) => {
        waiting.push({ mutate, resolve: resolve as (value: unknown) => void, reject });
        if (defer === undefined) commit();
        else if (waiting.length === 1) gather(defer, 1, 0);
      });
    },
    /** Commits what is still waiting. */
    close(): void {
      ended ??= new StorageError("Closed", "the database is closed");
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
