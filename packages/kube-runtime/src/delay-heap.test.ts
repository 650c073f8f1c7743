import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createDelayHeap } from "./delay-heap.ts";

test("entries come out by due time, each key once at its earliest", () => {
  const entries = fc.array(fc.record({ key: fc.nat(30), due: fc.nat(100) }), { maxLength: 60 });
  fc.assert(
    fc.property(entries, (entries) => {
      const heap = createDelayHeap<number>();
      const earliest = new Map<number, number>();
      for (const { key, due } of entries) {
        heap.add(key, due, 0);
        earliest.set(key, Math.min(due, earliest.get(key) ?? Infinity));
      }
      assert.equal(heap.size, earliest.size);
      const expected = [...earliest.values()].sort((a, b) => a - b);
      for (const due of expected) {
        assert.equal(heap.nextDue, due);
        assert.equal(heap.popDue(due - 1), undefined);
        const { key } = heap.popDue(due) ?? {};
        assert.ok(key !== undefined && earliest.get(key) === due);
        earliest.delete(key);
      }
      assert.equal(heap.size, 0);
    }),
    { numRuns: 200 },
  );
});
