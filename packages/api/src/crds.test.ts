import assert from "node:assert/strict";
import { test } from "node:test";
import { customResourceDefinitions } from "./crds.ts";
import type { StructuralSchema } from "./schema.ts";

/** Paths of fields about which `kubectl explain` has nothing to say; the API server itself describes metadata. */
function* undescribed(schema: StructuralSchema, path: string): Generator<string> {
  if (schema.description === undefined) yield path;
  const fields = Object.entries({ ...schema.properties, ...schema.items?.properties });
  for (const [name, field] of fields)
    if (`${path}.${name}` !== ".metadata") yield* undescribed(field, `${path}.${name}`);
}

for (const { spec } of customResourceDefinitions) {
  test(`kubectl explain has a word on each field of a ${spec.names.kind}`, () => {
    assert.equal(spec.versions.length, 1);
    for (const { schema } of spec.versions) assert.deepEqual([...undescribed(schema.openAPIV3Schema, "")], []);
  });
}
