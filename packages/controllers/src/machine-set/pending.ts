/**
 * What this process has asked for and its informer does not show yet. Without it, a MachineSet would create or delete
 * again while the answer is on its way. After a restart nothing is pending: the informer's first list shows all but what
 * the former process sent and the API server has not carried out, and for that the names are the same again.
 */
export type Pending = {
  /** Names to create: those whose outcome is open, those that were refused, then the next of the series. */
  namesToCreate(count: number, series: NameSeries): string[];
  created(name: string): void;
  /** It does not exist, and may be tried again. */
  refused(name: string): void;
  /** It belongs to somebody else. */
  taken(name: string): void;
  /** Machines created that the informer does not show. */
  createdCount(): number;
  /** Those of them that it should show by now: either they are gone again, or it is behind. */
  overdue(): string[];
  /** The Machine's deletion is asked for; until `deleted` or `kept` nobody knows what came of it. */
  deleting(uid: string): void;
  deleted(uid: string): void;
  kept(uid: string): void;
  isDeleting(uid: string): boolean;
  isDeleted(uid: string): boolean;
  /** Told of every Machine that the informer shows or stops showing. */
  shown(name: string): void;
  vanished(machine: { name: string; uid: string }): void;
  /** Creations that may be sent at once: doubles with each batch that succeeds, from one. */
  batch(): number;
  batchSucceeded(): void;
  batchEnded(): void;
};

/**
 * Names by number, the same in every process for the same `key`; so a process that repeats what its predecessor may have
 * sent asks for the same objects, and the API server makes each of them once.
 */
export type NameSeries = { key: string; name(n: number): string; isUsed(name: string): boolean };

/** How long an informer may take to show what was created. */
export const OVERDUE_MS = 30_000;
/** Requests under way at once; batches grow to it, so that a quota that refuses all is asked once, not often. */
export const MOST_AT_ONCE = 32;

export function createPending(clock: { now(): number }): Pending {
  const creating = new Map<string, { state: "sent" | "created"; atMs: number }>();
  const deletions = new Map<string, "sent" | "deleted">();
  let key = "";
  /** Numbers below are given out: within one process no name comes twice, unless it was refused. */
  let next = 0;
  let refused: string[] = [];
  let batch = 1;
  const inState = (wanted: "sent" | "created") => [...creating].filter(([, { state }]) => state === wanted);
  return {
    namesToCreate(count, series) {
      if (series.key !== key) [key, next, refused] = [series.key, 0, []];
      const names = inState("sent")
        .map(([name]) => name)
        .slice(0, count);
      names.push(...refused.splice(0, count - names.length));
      while (names.length < count) {
        const name = series.name(next++);
        if (!series.isUsed(name) && !creating.has(name)) names.push(name);
      }
      for (const name of names) creating.set(name, { state: "sent", atMs: clock.now() });
      return names;
    },
    created(name) {
      if (creating.has(name)) creating.set(name, { state: "created", atMs: clock.now() });
    },
    refused(name) {
      if (creating.delete(name)) refused.push(name);
    },
    taken: (name) => void creating.delete(name),
    createdCount: () => inState("created").length,
    overdue: () =>
      inState("created")
        .filter(([, { atMs }]) => Math.abs(clock.now() - atMs) >= OVERDUE_MS)
        .map(([name]) => name),
    deleting: (uid) => void deletions.set(uid, "sent"),
    deleted: (uid) => void deletions.set(uid, "deleted"),
    kept: (uid) => void deletions.delete(uid),
    isDeleting: (uid) => deletions.has(uid),
    isDeleted: (uid) => deletions.get(uid) === "deleted",
    shown: (name) => void creating.delete(name),
    vanished({ name, uid }) {
      creating.delete(name);
      deletions.delete(uid);
    },
    batch: () => batch,
    batchSucceeded: () => void (batch = Math.min(batch * 2, MOST_AT_ONCE)),
    batchEnded: () => void (batch = 1),
  };
}

/** What is pending for each MachineSet, by UID: the two controllers share it. */
export type PendingByUid = {
  of(uid: string): Pending;
  find(uid: string): Pending | undefined;
  forget(uid: string): void;
};

export function createPendingByUid(clock: { now(): number }): PendingByUid {
  const all = new Map<string, Pending>();
  return {
    of(uid) {
      const pending = all.get(uid) ?? createPending(clock);
      all.set(uid, pending);
      return pending;
    },
    find: (uid) => all.get(uid),
    forget: (uid) => void all.delete(uid),
  };
}
