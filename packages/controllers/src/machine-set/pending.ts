/**
 * What this process has asked for and its informer does not show yet. Without it, a MachineSet would create or delete
 * again while the answer is on its way. After a restart nothing is pending, and the informer's first list shows all.
 */
export type Pending = {
  /** Names to create: those handed out before whose outcome is open, then new ones. */
  namesToCreate(count: number, newName: () => string): { name: string; isNew: boolean }[];
  created(name: string): void;
  refused(name: string): void;
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
};

/** How long an informer may take to show what was created. */
export const OVERDUE_MS = 30_000;

export function createPending(clock: { now(): number }): Pending {
  const creating = new Map<string, { state: "sent" | "created"; atMs: number }>();
  const deletions = new Map<string, "sent" | "deleted">();
  const inState = (wanted: "sent" | "created") => [...creating].filter(([, { state }]) => state === wanted);
  return {
    namesToCreate(count, newName) {
      const names = inState("sent")
        .slice(0, count)
        .map(([name]) => ({ name, isNew: false }));
      while (names.length < count) names.push({ name: newName(), isNew: true });
      for (const { name } of names) creating.set(name, { state: "sent", atMs: clock.now() });
      return names;
    },
    created(name) {
      if (creating.has(name)) creating.set(name, { state: "created", atMs: clock.now() });
    },
    refused: (name) => void creating.delete(name),
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
  };
}
