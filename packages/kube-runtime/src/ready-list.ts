/** Keys by priority, higher first, first in first out within one. A key is there once. */
export type ReadyList<K> = {
  /** A key that is there already keeps its place unless the new priority is higher. */
  add(key: K, priority: number): void;
  shift(): K | undefined;
  readonly topPriority: number | undefined;
  readonly size: number;
};

export function createReadyList<K>(): ReadyList<K> {
  const priorities = new Map<K, number>();
  const lanes = new Map<number, Set<K>>();
  /** Descending. */
  let order: number[] = [];

  function leave(key: K, priority: number): void {
    const lane = lanes.get(priority);
    lane?.delete(key);
    if (lane?.size !== 0) return;
    lanes.delete(priority);
    order = order.filter((other) => other !== priority);
  }

  return {
    add(key, priority) {
      const present = priorities.get(key);
      if (present !== undefined) {
        if (present >= priority) return;
        leave(key, present);
      }
      priorities.set(key, priority);
      const lane = lanes.get(priority);
      if (lane === undefined) {
        lanes.set(priority, new Set([key]));
        order = [...order, priority].sort((a, b) => b - a);
      } else {
        lane.add(key);
      }
    },
    shift() {
      const [priority] = order;
      if (priority === undefined) return undefined;
      const [key] = lanes.get(priority) ?? [];
      if (key === undefined) return undefined;
      priorities.delete(key);
      leave(key, priority);
      return key;
    },
    get topPriority() {
      return order[0];
    },
    get size() {
      return priorities.size;
    },
  };
}
