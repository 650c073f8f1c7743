import * as fc from "fast-check";
import type { KubeObject } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore, fromKey, keyOf } from "./store.ts";

type Labelled = KubeObject & { labels: string[] };

const objects = fc.record({
  name: fc.constantFrom("a", "b", "c", "d"),
  namespace: fc.constantFrom("one", "two", undefined),
  uid: fc.constantFrom("1", "2", "3"),
  labels: fc.uniqueArray(fc.constantFrom("x", "y", "z")),
  isDeletion: fc.boolean(),
});

test("indexes, namespaces and UIDs always say what a scan of the objects would", () => {
  fc.assert(
    fc.property(fc.array(objects, { maxLength: 40 }), (steps) => {
      const store = createStore<Labelled>({ labels: (object) => object.labels });
      const model = new Map<string, Labelled>();
      for (const { name, namespace, uid, labels, isDeletion } of steps) {
        const metadata = { name, ...(namespace !== undefined && { namespace }), uid: `${namespace}/${name}/${uid}` };
        const object: Labelled = { apiVersion: "v1", kind: "Thing", metadata, labels };
        const old = model.get(keyOf(object));
        if (isDeletion) {
          model.delete(keyOf(object));
          store.delete(keyOf(object));
        } else {
          model.set(keyOf(object), object);
          store.set(object);
        }
        const all = [...model.values()];
        assert.equal(store.size, all.length);
        assert.deepEqual(new Set(store.list()), new Set(all));
        for (const label of ["x", "y", "z"]) {
          const expected = all.filter(({ labels }) => labels.includes(label));
          assert.deepEqual(new Set(store.byIndex("labels", label)), new Set(expected));
          assert.equal(store.byIndex("labels", label).length, expected.length);
        }
        for (const namespace of ["one", "two"]) {
          const expected = all.filter((object) => object.metadata.namespace === namespace);
          assert.deepEqual(new Set(store.list(namespace)), new Set(expected));
        }
        for (const object of all) assert.equal(store.byUid(object.metadata.uid ?? ""), object);
        if (old !== undefined && !all.some(({ metadata }) => metadata.uid === old.metadata.uid)) {
          assert.equal(store.byUid(old.metadata.uid ?? ""), undefined);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("an array read before a change stays as it was", () => {
  const store = createStore<KubeObject>({ all: () => ["x"] });
  store.set({ apiVersion: "v1", kind: "Thing", metadata: { name: "a" } });
  const before = store.byIndex("all", "x");
  assert.equal(store.byIndex("all", "x"), before);
  store.set({ apiVersion: "v1", kind: "Thing", metadata: { name: "b" } });
  assert.equal(before.length, 1);
  assert.equal(store.byIndex("all", "x").length, 2);
});

test("an index nobody declared is an error, not an empty answer", () => {
  assert.throws(() => createStore().byIndex("nope", "x"), TypeError);
});

test("keys name objects with and without a namespace", () => {
  assert.deepEqual(fromKey("ns/name"), { namespace: "ns", name: "name" });
  assert.deepEqual(fromKey("name"), { name: "name" });
});
