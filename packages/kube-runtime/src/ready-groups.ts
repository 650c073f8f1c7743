/**
 * Ready keys by group. The next key is the one of highest priority among the groups that have a place; groups of equal
 * priority take turns, so that one with many keys does not hold up the others.
 */
import { createReadyList, type ReadyList } from "./ready-list.ts";

export type ReadyGroups<K> = {
  /** A key that waits already stays in its group. */
  add(key: K, priority: number): void;
  /** Takes the next key out; undefined where no group that `hasPlace` has one. */
  shift(hasPlace: (group: string) => boolean): { key: K; group: string } | undefined;
  readonly size: number;
};

export function createReadyGroups<K>(groupOf: (key: K) => string): ReadyGroups<K> {
  const groupByKey = new Map<K, string>();
  /** Those whose turn is longest ago come first. */
  const lists = new Map<string, ReadyList<K>>();

  function best(hasPlace: (group: string) => boolean): [group: string, list: ReadyList<K>] | undefined {
    let found: [string, ReadyList<K>] | undefined;
    for (const [group, list] of lists) {
      if (found !== undefined && (list.topPriority ?? -Infinity) <= (found[1].topPriority ?? -Infinity)) continue;
      if (hasPlace(group)) found = [group, list];
    }
    return found;
  }

  return {
    add(key, priority) {
      const group = groupByKey.get(key) ?? groupOf(key);
      let list = lists.get(group);
      if (list === undefined) lists.set(group, (list = createReadyList<K>()));
      list.add(key, priority);
      groupByKey.set(key, group);
    },
    shift(hasPlace) {
      const [group, list] = best(hasPlace) ?? [];
      const key = list?.shift();
      if (group === undefined || list === undefined || key === undefined) return undefined;
      groupByKey.delete(key);
      lists.delete(group);
      if (list.size > 0) lists.set(group, list);
      return { key, group };
    },
    get size() {
      return groupByKey.size;
    },
  };
}
