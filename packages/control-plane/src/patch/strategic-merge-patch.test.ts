import assert from "node:assert/strict";
import { test } from "node:test";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

const pod = {
  metadata: { name: "p", finalizers: ["a"] },
  spec: {
    containers: [
      { name: "app", image: "one", ports: [{ containerPort: 80, name: "http" }], args: ["x", "y"] },
      { name: "side", image: "two" },
    ],
    tolerations: [{ key: "k" }],
  },
};

test("lists merge by the key of their kind, and lists without one are replaced", () => {
  const patched = applyStrategicMergePatch(
    pod,
    {
      metadata: { finalizers: ["b"] },
      spec: {
        containers: [
          { name: "app", ports: [{ containerPort: 443 }], args: ["z"] },
          { name: "new", image: "three" },
        ],
        tolerations: [{ key: "other" }],
      },
    },
    "Pod",
  );
  assert.deepEqual(patched, {
    metadata: { name: "p", finalizers: ["b", "a"] },
    spec: {
      containers: [
        {
          name: "app",
          image: "one",
          ports: [{ containerPort: 443 }, { containerPort: 80, name: "http" }],
          args: ["z"],
        },
        { name: "new", image: "three" },
        { name: "side", image: "two" },
      ],
      tolerations: [{ key: "other" }],
    },
  });
  assert.deepEqual(pod.metadata.finalizers, ["a"]);
});

test("directives delete, replace, retain and order", () => {
  const apply = (patch: Record<string, unknown>) =>
    applyStrategicMergePatch(pod, { spec: patch }, "Pod")["spec"] as typeof pod.spec;
  const names = (patch: Record<string, unknown>) => apply(patch).containers.map(({ name }) => name);
  assert.deepEqual(names({ containers: [{ name: "app", $patch: "delete" }] }), ["side"]);
  assert.deepEqual(names({ containers: [{ $patch: "replace" }, { name: "only" }] }), ["only"]);
  assert.deepEqual(names({ "$setElementOrder/containers": [{ name: "side" }, { name: "app" }] }), ["side", "app"]);
  assert.deepEqual(apply({ $retainKeys: ["tolerations"] }), { tolerations: [{ key: "k" }] });
  const trimmed = applyStrategicMergePatch(pod, { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } }, "Pod");
  assert.deepEqual((trimmed["metadata"] as { finalizers: string[] }).finalizers, []);
});

test("the same field name merges by the key of its own kind", () => {
  const service = { spec: { ports: [{ port: 80, targetPort: 1 }] } };
  const patched = applyStrategicMergePatch(
    service,
    { spec: { ports: [{ port: 80, targetPort: 2 }, { port: 81 }] } },
    "Service",
  );
  assert.deepEqual(patched, { spec: { ports: [{ port: 80, targetPort: 2 }, { port: 81 }] } });
});

test("an item without its merge key is refused", () => {
  assert.throws(
    () => applyStrategicMergePatch(pod, { spec: { containers: [{ image: "x" }] } }, "Pod"),
    /merge key: name/,
  );
});
