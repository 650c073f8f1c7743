import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusError } from "../status-error.ts";
import { applyJsonPatch } from "./json-patch.ts";

const target = { a: { b: 1 }, list: ["x", "y", "z"] };
const patched = (...patch: object[]): unknown => applyJsonPatch(target, patch);
const refused = { name: "StatusError", reason: "Invalid" };

test("the object itself stays as it is", () => {
  assert.deepEqual(patched({ op: "add", path: "/a/c", value: { d: 2 } }), { ...target, a: { b: 1, c: { d: 2 } } });
  assert.deepEqual(target, { a: { b: 1 }, list: ["x", "y", "z"] });
});

test("lists are counted from either end, and - is behind the last", () => {
  const list = (...patch: object[]) => (patched(...patch) as typeof target).list;
  assert.deepEqual(list({ op: "add", path: "/list/1", value: "n" }), ["x", "n", "y", "z"]);
  assert.deepEqual(list({ op: "add", path: "/list/-", value: "n" }), ["x", "y", "z", "n"]);
  assert.deepEqual(list({ op: "add", path: "/list/3", value: "n" }), ["x", "y", "z", "n"]);
  assert.deepEqual(list({ op: "remove", path: "/list/-1" }), ["x", "y"]);
  assert.deepEqual(list({ op: "move", from: "/list/0", path: "/list/-" }), ["y", "z", "x"]);
  for (const path of ["/list/4", "/list/-5", "/list/a", "/list/"]) {
    assert.throws(() => patched({ op: "add", path, value: "n" }), refused, path);
  }
  for (const path of ["/list/3", "/list/-"]) assert.throws(() => patched({ op: "remove", path }), refused, path);
});

test("what is not there reads as null, and cannot be removed", () => {
  assert.deepEqual(patched({ op: "replace", path: "/new", value: 1 }), { ...target, new: 1 });
  assert.deepEqual(patched({ op: "copy", from: "/none", path: "/new" }), { ...target, new: null });
  assert.deepEqual(patched({ op: "test", path: "/none", value: null }), target);
  assert.throws(() => patched({ op: "remove", path: "/none" }), refused);
  assert.throws(() => patched({ op: "move", from: "/none", path: "/new" }), refused);
  assert.throws(() => patched({ op: "add", path: "/none/new", value: 1 }), refused);
});

test("keys may hold slashes and tildes, and are never a prototype", () => {
  assert.deepEqual(patched({ op: "add", path: "/a/x~1y~0z", value: 1 }), { ...target, a: { b: 1, "x/y~z": 1 } });
  const result = patched({ op: "add", path: "/__proto__", value: { polluted: true } }) as Record<string, unknown>;
  assert.equal(result["polluted"], undefined);
  assert.throws(() => patched({ op: "add", path: "/__proto__/polluted", value: true }), refused);
  assert.throws(() => patched({ op: "add", path: "/constructor/prototype/polluted", value: true }), refused);
});

test("the whole object can be replaced and tested, but not removed", () => {
  assert.deepEqual(patched({ op: "replace", path: "", value: { c: 1 } }), { c: 1 });
  assert.deepEqual(patched({ op: "test", path: "", value: target }), target);
  assert.throws(() => patched({ op: "remove", path: "" }), refused);
  assert.throws(() => patched({ op: "add", path: "", value: {} }), refused);
});

test("a patch of another form is refused in the words of the API server", () => {
  const message = (patch: unknown): string => {
    try {
      applyJsonPatch(target, patch);
    } catch (error) {
      if (error instanceof StatusError) return `${error.code} ${error.message}`;
    }
    return "taken";
  };
  assert.equal(message(null), "taken");
  assert.match(message({}), /^400 .* cannot unmarshal object into Go value of type \[\]handlers\.jsonPatchOp$/);
  assert.match(message([1]), /^400 .* cannot unmarshal number into Go value of type handlers\.jsonPatchOp$/);
  assert.match(message([{ op: "add", path: 1 }]), /struct field jsonPatchOp\.path of type string$/);
  assert.match(message([{ op: "zap", path: "/a" }]), /^422 /);
  assert.match(message([null]), /^422 /);
  assert.match(message(Array.from({ length: 10_001 }, () => ({}))), /^413 /);
});
