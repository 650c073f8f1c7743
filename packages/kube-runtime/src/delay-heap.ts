/** A binary min-heap by due time, first in first out among equals, with at most one entry a key. */
export type DelayHeap<K> = {
  /** Keeps the earlier due time if the key is there already. */
  add(key: K, due: number, priority: number): void;
  readonly nextDue: number | undefined;
  /** Takes out the earliest entry if it is due. */
  popDue(now: number): { key: K; priority: number } | undefined;
  readonly size: number;
};

type Entry<K> = { key: K; due: number; sequence: number; priority: number };

export function createDelayHeap<K>(): DelayHeap<K> {
  const heap: Entry<K>[] = [];
  const live = new Map<K, Entry<K>>();
  let sequence = 0;

  /** An entry that was brought forward stays in the heap until it surfaces. */
  function dropStale(): void {
    while (heap[0] !== undefined && live.get(heap[0].key) !== heap[0]) pop(heap);
  }

  return {
    add(key, due, priority) {
      const present = live.get(key);
      if (present !== undefined) {
        present.priority = Math.max(present.priority, priority);
        if (present.due <= due) return;
      }
      const entry = { key, due, sequence: (sequence += 1), priority: present?.priority ?? priority };
      live.set(key, entry);
      push(heap, entry);
    },
    get nextDue() {
      dropStale();
      return heap[0]?.due;
    },
    popDue(now) {
      dropStale();
      const first = heap[0];
      if (first === undefined || first.due > now) return undefined;
      pop(heap);
      live.delete(first.key);
      return first;
    },
    get size() {
      return live.size;
    },
  };
}

function isBefore<K>(a: Entry<K>, b: Entry<K>): boolean {
  return a.due < b.due || (a.due === b.due && a.sequence < b.sequence);
}

function push<K>(heap: Entry<K>[], entry: Entry<K>): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(entry, heap[parent] as Entry<K>)) break;
    heap[at] = heap[parent] as Entry<K>;
    at = parent;
  }
  heap[at] = entry;
}

function pop<K>(heap: Entry<K>[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  while (true) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry<K>, heap[child] as Entry<K>)) child += 1;
    if (!isBefore(heap[child] as Entry<K>, last)) break;
    heap[at] = heap[child] as Entry<K>;
    at = child;
  }
  heap[at] = last;
}
