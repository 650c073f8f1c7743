/** How many objects bear each set of labels, kept up to date as objects come, change and go. */
import type { Sample } from "./collected-metric.ts";

export type Tally = {
  /** Counts the object under these labels, and no longer under those it had. */
  set(uid: string, labels: Readonly<Record<string, string>>): void;
  delete(uid: string): void;
  samples(): Iterable<Sample>;
};

export function createTally(): Tally {
  const keys = new Map<string, string>();
  const counts = new Map<string, { labels: Readonly<Record<string, string>>; value: number }>();

  function remove(uid: string): void {
    const key = keys.get(uid);
    if (key === undefined) return;
    keys.delete(uid);
    const counted = counts.get(key);
    if (counted === undefined) return;
    counted.value -= 1;
    if (counted.value === 0) counts.delete(key);
  }

  return {
    set(uid, given) {
      // An empty label is the same as none.
      const labels = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
      const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
      if (keys.get(uid) === key) return;
      remove(uid);
      keys.set(uid, key);
      const counted = counts.get(key);
      if (counted === undefined) counts.set(key, { labels, value: 1 });
      else counted.value += 1;
    },
    delete: remove,
    samples: () => counts.values(),
  };
}
