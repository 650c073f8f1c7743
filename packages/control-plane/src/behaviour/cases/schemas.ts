/** Structural schemas at work on custom objects: defaults, pruning, validation and its words. */
import assert from "node:assert/strict";
import { valueAt } from "../../object.ts";
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal } from "../expect.ts";
import type { FieldProblem } from "../expect.ts";
import { installWidgets, widget } from "../widgets.ts";
import type { World } from "../world.ts";

const PROPERTIES: JsonObject = {
  size: { type: "integer", minimum: 1, maximum: 10 },
  above: { type: "number", minimum: 0, exclusiveMinimum: true },
  even: { type: "integer", multipleOf: 2 },
  color: { type: "string", enum: ["red", "blue"], default: "red" },
  short: { type: "string", minLength: 2, maxLength: 4 },
  code: { type: "string", pattern: "^[a-z]+$" },
  at: { type: "string", format: "date-time" },
  mail: { type: "string", format: "email" },
  small: { type: "integer", format: "int32" },
  flag: { type: "boolean" },
  note: { type: "string", nullable: true },
  port: { "x-kubernetes-int-or-string": true },
  free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  map: { type: "object", additionalProperties: { type: "integer" } },
  few: { type: "object", additionalProperties: { type: "string" }, maxProperties: 1 },
  list: { type: "array", items: { type: "string" }, minItems: 1, maxItems: 2 },
  set: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
  keyed: {
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    items: {
      type: "object",
      required: ["name"],
      properties: { name: { type: "string" }, n: { type: "integer", default: 7 } },
    },
  },
  deep: {
    type: "object",
    default: {},
    properties: { inner: { type: "object", default: {}, properties: { leaf: { type: "string", default: "x" } } } },
  },
  either: {
    type: "object",
    properties: { a: { type: "string" }, b: { type: "string" } },
    oneOf: [{ required: ["a"] }, { required: ["b"] }],
  },
  notBoth: {
    type: "object",
    properties: { a: { type: "string" }, b: { type: "string" } },
    not: { required: ["a", "b"] },
  },
  any: {
    type: "object",
    properties: { a: { type: "string" }, b: { type: "string" } },
    anyOf: [{ required: ["a"] }, { required: ["b"] }],
  },
  template: { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
};

async function create(world: World, spec: JsonObject, query = "") {
  const change = (version: JsonObject): void => {
    version["schema"] = {
      openAPIV3Schema: {
        type: "object",
        properties: {
          spec: { type: "object", required: ["size"], properties: PROPERTIES },
          status: { type: "object", properties: { phase: { type: "string" } } },
        },
      },
    };
  };
  const widgets = await installWidgets(world, { change });
  return world.call("POST", `${widgets}${query}`, { body: widget(world, "w", spec) });
}

function refuses(spec: JsonObject, ...problems: [field: string, reason: string, message: string | RegExp][]) {
  return async (world: World): Promise<void> => {
    const expected: FieldProblem[] = problems.map(([field, reason, message]) => ({
      field,
      reason: `FieldValue${reason}`,
      message,
    }));
    expectInvalid(await create(world, { size: 1, ...spec }), expected);
  };
}

function keeps(spec: JsonObject, expected: JsonObject = spec) {
  return async (world: World): Promise<void> => {
    const body = expectBody(await create(world, { size: 1, ...spec }), 201);
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(valueAt(body, `spec.${key}`), value);
  };
}

export const schemaCases = behaviour("schemas", {
  "defaults are filled in": keeps({}, { color: "red" }),
  "defaults are filled in at depth": keeps({}, { deep: { inner: { leaf: "x" } } }),
  "defaults are filled into items": keeps({ keyed: [{ name: "a" }] }, { keyed: [{ name: "a", n: 7 }] }),
  "null where it is not allowed takes the default": keeps({ color: null }, { color: "red" }),
  "null stays where it is allowed": keeps({ note: null }),
  "unknown fields are dropped, with a warning": async (world) => {
    const answer = await create(world, { size: 1, typo: 1, deep: { other: true } });
    const body = expectBody(answer, 201);
    assert.deepEqual([valueAt(body, "spec.typo"), valueAt(body, "spec.deep.other")], [undefined, undefined]);
    assert.equal(
      answer.headers.get("warning"),
      '299 - "unknown field \\"spec.deep.other\\"", 299 - "unknown field \\"spec.typo\\""',
    );
  },
  "unknown fields are refused where validation is strict": async (world) => {
    expectRefusal(await create(world, { size: 1, typo: 1, deep: { other: true } }, "?fieldValidation=Strict"), 400, {
      reason: "BadRequest",
      message:
        'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.deep.other", unknown field "spec.typo"',
    });
  },
  "unknown fields are dropped in silence where validation is ignored": async (world) => {
    const answer = await create(world, { size: 1, typo: 1 }, "?fieldValidation=Ignore");
    expectBody(answer, 201);
    assert.equal(answer.headers.get("warning"), null);
  },
  "unknown fields stay where the schema preserves them": keeps({ free: { any: { thing: [1, "x"] } } }),
  "an embedded resource keeps its own fields": keeps({
    template: { apiVersion: "v1", kind: "Pod", metadata: { name: "x" }, spec: { a: 1 } },
  }),
  "an embedded resource needs kind and apiVersion": refuses(
    { template: { spec: {} } },
    ["spec.template.apiVersion", "Required", "Required value"],
    ["spec.template.kind", "Required", "Required value"],
  ),
  "int-or-string takes a number": keeps({ port: 80 }),
  "int-or-string takes a string": keeps({ port: "http" }),
  "int-or-string takes nothing else": refuses({ port: 1.5 }, [
    "spec.port",
    "TypeInvalid",
    'Invalid value: "number": spec.port in body must be of type integer,string: "number"',
  ]),
  "an integer may be written with a fraction of zero": keeps({ even: 4 }),
  "a type that does not fit": refuses({ flag: "yes" }, [
    "spec.flag",
    "TypeInvalid",
    'Invalid value: "string": spec.flag in body must be of type boolean: "string"',
  ]),
  "a number where an integer is wanted": refuses(
    { even: 1.5 },
    ["spec.even", "TypeInvalid", 'Invalid value: "number": spec.even in body must be of type integer: "number"'],
    ["<nil>", "Invalid", 'Invalid value: "": Checked value must be of type integer (default format) in spec.even'],
    ["spec.even", "Invalid", "Invalid value: 1.5: spec.even in body should be a multiple of 2"],
  ),
  "an object where a list is wanted": refuses({ list: {} }, [
    "spec.list",
    "TypeInvalid",
    'Invalid value: "object": spec.list in body must be of type array: "object"',
  ]),
  "a required field": async (world) => {
    expectInvalid(await create(world, {}), [
      { field: "spec.size", reason: "FieldValueRequired", message: "Required value" },
    ]);
  },
  "above the maximum": refuses({ size: 11 }, [
    "spec.size",
    "Invalid",
    "Invalid value: 11: spec.size in body should be less than or equal to 10",
  ]),
  "below the minimum": refuses({ size: 0 }, [
    "spec.size",
    "Invalid",
    "Invalid value: 0: spec.size in body should be greater than or equal to 1",
  ]),
  "at an exclusive minimum": refuses({ above: 0 }, [
    "spec.above",
    "Invalid",
    "Invalid value: 0: spec.above in body should be greater than 0",
  ]),
  "no multiple": refuses({ even: 3 }, [
    "spec.even",
    "Invalid",
    "Invalid value: 3: spec.even in body should be a multiple of 2",
  ]),
  "not in the enum": refuses({ color: "green" }, [
    "spec.color",
    "NotSupported",
    'Unsupported value: "green": supported values: "red", "blue"',
  ]),
  "too short": refuses({ short: "a" }, [
    "spec.short",
    "Invalid",
    'Invalid value: "a": spec.short in body should be at least 2 chars long',
  ]),
  "too long": refuses({ short: "abcde" }, ["spec.short", "TooLong", "Too long: may not be more than 4 bytes"]),
  "not of the pattern": refuses({ code: "A1" }, [
    "spec.code",
    "Invalid",
    "Invalid value: \"A1\": spec.code in body should match '^[a-z]+$'",
  ]),
  "no date": refuses({ at: "today" }, [
    "spec.at",
    "TypeInvalid",
    'Invalid value: "today": spec.at in body must be of type date-time: "today"',
  ]),
  "no e-mail address": refuses({ mail: "me" }, [
    "spec.mail",
    "TypeInvalid",
    'Invalid value: "me": spec.mail in body must be of type email: "me"',
  ]),
  "too large for int32": refuses({ small: 3_000_000_000 }, [
    "<nil>",
    "Invalid",
    'Invalid value: "": Checked value must be of type integer with format int32 in spec.small',
  ]),
  "too few items": refuses({ list: [] }, [
    "spec.list",
    "Invalid",
    "Invalid value: 0: spec.list in body should have at least 1 items",
  ]),
  "too many items": refuses({ list: ["a", "b", "c"] }, [
    "spec.list",
    "TooMany",
    "Too many: 3: must have at most 2 items",
  ]),
  "a bad item": refuses({ list: ["a", 1] }, [
    "spec.list[1]",
    "TypeInvalid",
    'Invalid value: "integer": spec.list[1] in body must be of type string: "integer"',
  ]),
  "too many properties": refuses({ few: { a: "1", b: "2" } }, [
    "spec.few",
    "TooMany",
    "Too many: 2: must have at most 1 item",
  ]),
  "a bad value of a map": refuses({ map: { a: "x" } }, [
    "spec.map.a",
    "TypeInvalid",
    'Invalid value: "string": spec.map.a in body must be of type integer: "string"',
  ]),
  "a set with an item twice": refuses({ set: ["a", "b", "a"] }, ["spec.set[2]", "Duplicate", 'Duplicate value: "a"']),
  "a keyed list with a key twice": refuses({ keyed: [{ name: "a" }, { name: "a" }] }, [
    "spec.keyed[1]",
    "Duplicate",
    'Duplicate value: {"name":"a"}',
  ]),
  "both of one-of": refuses({ either: { a: "1", b: "2" } }, [
    "<nil>",
    "Invalid",
    'Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ]),
  "none of any-of": refuses(
    { any: {} },
    ["<nil>", "Invalid", 'Invalid value: "": "spec.any" must validate at least one schema (anyOf)'],
    ["spec.any.a", "Required", "Required value"],
  ),
  "what not forbids": refuses({ notBoth: { a: "1", b: "2" } }, [
    "<nil>",
    "Invalid",
    'Invalid value: "": "spec.notBoth" must not validate the schema (not)',
  ]),
  "the Status names kind and group": async (world) => {
    const { body } = await create(world, {});
    assert.equal(body["message"], `Widget.${world.group} "w" is invalid: spec.size: Required value`);
    assert.deepEqual(body["details"], {
      name: "w",
      group: world.group,
      kind: "Widget",
      causes: [{ reason: "FieldValueRequired", message: "Required value", field: "spec.size" }],
    });
  },
  "several problems stand in brackets": async (world) => {
    const { body } = await create(world, { size: 0, color: "green" });
    assert.match(
      String(body["message"]),
      /^Widget\.\S+ "w" is invalid: \[spec\.(size|color): .*, spec\.(size|color): .*\]$/,
    );
  },
  "a status is held to its schema": async (world) => {
    expectBody(await create(world, { size: 1 }), 201);
    const at = `${world.path(`${world.group}/v1/widgets`)}/w/status`;
    expectInvalid(await world.call("PATCH", at, { body: { status: { phase: 1 } } }), [
      {
        field: "status.phase",
        reason: "FieldValueTypeInvalid",
        message: /^Invalid value: "integer": (status\.)?phase in body must be of type string: "integer"$/,
      },
    ]);
  },
  "a custom object insists on a resourceVersion when it is replaced": async (world) => {
    expectBody(await create(world, { size: 1 }), 201);
    const at = `${world.path(`${world.group}/v1/widgets`)}/w`;
    const answer = await world.call("PUT", at, { body: widget(world, "w", { size: 2 }) });
    expectInvalid(answer, [
      {
        field: "metadata.resourceVersion",
        reason: "FieldValueInvalid",
        message: "Invalid value: 0: must be specified for an update",
      },
    ]);
  },
});
