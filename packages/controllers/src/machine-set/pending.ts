/**
 * What this process has asked for and its informer does not show yet. Without it, a MachineSet would create or delete
 * again while the answer is on its way. After a restart nothing is pending, and the informer's first list shows all.
 */
export type Pending = {
  /** Names to create: those handed out before whose outcome is open, then new ones. */
  namesToCreate(count: number, newName: () => string): string[];
  created(name: string): void;
  refused(name: string): void;
  deleted(uid: string): void;
  isDeleted(uid: string): boolean;
  /** Machines created that the informer does not show. */
  createdCount(): number;
  /** Told of every Machine that the informer shows or stops showing. */
  shown(name: string): void;
  vanished(machine: { name: string; uid: string }): void;
};

/** A creation that no informer has shown for this long was undone before it could be seen. */
const FORGOTTEN_MS = 60_000;

export function createPending(clock: { now(): number }): Pending {
  const creating = new Map<string, { state: "sent" | "created"; atMs: number }>();
  const deleting = new Set<string>();
  return {
    namesToCreate(count, newName) {
      const open = [...creating].filter(([, { state }]) => state === "sent").map(([name]) => name);
      const names = open.slice(0, count);
      while (names.length < count) names.push(newName());
      for (const name of names) creating.set(name, { state: "sent", atMs: clock.now() });
      return names;
    },
    created(name) {
      if (creating.has(name)) creating.set(name, { state: "created", atMs: clock.now() });
    },
    refused: (name) => void creating.delete(name),
    deleted: (uid) => void deleting.add(uid),
    isDeleted: (uid) => deleting.has(uid),
    createdCount() {
      for (const [name, { state, atMs }] of creating) {
        if (state === "created" && clock.now() - atMs > FORGOTTEN_MS) creating.delete(name);
      }
      return [...creating.values()].filter(({ state }) => state === "created").length;
    },
    shown: (name) => void creating.delete(name),
    vanished({ name, uid }) {
      creating.delete(name);
      deleting.delete(uid);
    },
  };
}
