/** CEL rules of custom kinds: what they say of a value that breaks them, and which cannot be rules. */
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid } from "../expect.ts";
import type { FieldProblem } from "../expect.ts";
import { definition, DEFINITIONS, installWidgets, widget } from "../widgets.ts";
import type { World } from "../world.ts";

type Fields = Record<string, JsonObject>;

const text = { type: "string", maxLength: 40 };
const duration = { type: "string", format: "duration" };
const integer = { type: "integer" };

function specOf(properties: Fields, rule: JsonObject | undefined): (version: JsonObject) => void {
  const rules = rule === undefined ? {} : { "x-kubernetes-validations": [rule] };
  const spec = { type: "object", properties, ...rules };
  return (version) => {
    version["schema"] = { openAPIV3Schema: { type: "object", properties: { spec } } };
  };
}

/** A name for the case's own kind; namespaces are called by topic, index and run. */
const pluralOf = ({ namespace }: World): string => `broken${namespace.split("-")[1] ?? ""}s`;

type Breach = { fields: Fields; rule?: JsonObject; spec: JsonObject; changed?: JsonObject; problem?: FieldProblem };

/** The spec, or what it is changed to, is refused so; without a problem it is taken. */
function breaks({ fields, rule, spec, changed, problem }: Breach) {
  return async (world: World): Promise<void> => {
    const plural = pluralOf(world);
    const at = await installWidgets(world, { plural, change: specOf(fields, rule) });
    const kind = `${plural.charAt(0).toUpperCase()}${plural.slice(1, -1)}`;
    let answer = await world.call("POST", at, { body: { ...widget(world, "a", spec), kind } });
    if (changed !== undefined) {
      expectBody(answer, 201);
      answer = await world.call("PATCH", `${at}/a`, { body: { spec: changed } });
    }
    if (problem === undefined) expectBody(answer, changed === undefined ? 201 : 200);
    else expectInvalid(answer, [problem]);
  };
}

const invalid = (field: string, message: string | RegExp): FieldProblem => ({
  field,
  reason: "FieldValueInvalid",
  message,
});

/** A rule on `spec.q`, a text, that goes wrong for this value. */
function failsFor(rule: string, q: string, why: string) {
  const message = `Invalid value: "object": ${why} evaluating rule: ${rule}`;
  return breaks({ fields: { q: text }, rule: { rule }, spec: { q }, problem: invalid("spec", message) });
}

/** A rule on a spec with an integer `a`. */
function isNoRule(rule: JsonObject, field: string, message: string | RegExp) {
  return async (world: World): Promise<void> => {
    const body = definition(world, { plural: pluralOf(world), change: specOf({ a: integer }, rule) });
    const path = `spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].${field}`;
    expectInvalid(await world.call("POST", DEFINITIONS, { body }), [invalid(path, message)]);
  };
}

export const ruleCases = behaviour("rules", {
  "a message may be worked out": breaks({
    fields: { q: text },
    rule: { rule: "self.q == 'x'", messageExpression: "'it is ' + self.q", message: "plain" },
    spec: { q: "y" },
    problem: invalid("spec", "Invalid value: it is y"),
  }),
  "a message that cannot be worked out gives way to the fixed one": breaks({
    fields: { q: text, l: { type: "array", maxItems: 2, items: text } },
    rule: { rule: "self.q == 'x'", messageExpression: "self.l[1]", message: "plain" },
    spec: { q: "y", l: [] },
    problem: invalid("spec", "Invalid value: plain"),
  }),
  "a reason of its own: a duplicate says no more": breaks({
    fields: { a: integer },
    rule: { rule: "self.a > 1", reason: "FieldValueDuplicate", message: "twice" },
    spec: { a: 1 },
    problem: { field: "spec", reason: "FieldValueDuplicate", message: "Duplicate value" },
  }),
  "a reason of its own: what is required is named": breaks({
    fields: { a: integer },
    rule: { rule: "has(self.a)", reason: "FieldValueRequired", message: "a is needed", fieldPath: ".a" },
    spec: {},
    problem: { field: "spec.a", reason: "FieldValueRequired", message: "Required value: a is needed" },
  }),
  "a path leads into maps": breaks({
    fields: { m: { type: "object", maxProperties: 3, additionalProperties: integer } },
    rule: { rule: "self.m.all(k, self.m[k] > 1)", fieldPath: ".m['x.y']", message: "no" },
    spec: { m: { "x.y": 1 } },
    problem: invalid("spec.m[x.y]", "Invalid value: no"),
  }),
  "values of a map are named by their keys": breaks({
    fields: {
      m: {
        type: "object",
        maxProperties: 3,
        additionalProperties: { type: "integer", "x-kubernetes-validations": [{ rule: "self > 1" }] },
      },
    },
    spec: { m: { z: 1 } },
    problem: invalid("spec.m[z]", "Invalid value: 1: failed rule: self > 1"),
  }),
  "items of a list with keys are held to what they were": breaks({
    fields: {
      l: {
        type: "array",
        maxItems: 3,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k"],
        items: {
          type: "object",
          required: ["k"],
          properties: { k: text, v: integer },
          "x-kubernetes-validations": [{ rule: "self.v >= oldSelf.v", message: "only up" }],
        },
      },
    },
    spec: { l: [{ k: "a", v: 2 }] },
    changed: {
      l: [
        { k: "b", v: 0 },
        { k: "a", v: 1 },
      ],
    },
    problem: invalid("spec.l[1]", "Invalid value: only up"),
  }),
  "an old self may be missing": breaks({
    fields: {
      a: {
        type: "integer",
        "x-kubernetes-validations": [{ rule: "self >= oldSelf.orValue(3)", optionalOldSelf: true }],
      },
    },
    spec: { a: 2 },
    problem: invalid("spec.a", "Invalid value: 2: failed rule: self >= oldSelf.orValue(3)"),
  }),
  "what was there before stays valid": breaks({
    fields: {
      a: { type: "string", maxLength: 9, "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "fixed" }] },
      b: integer,
    },
    spec: { a: "x" },
    changed: { b: 2 },
  }),
  "an index beyond the list": breaks({
    fields: { l: { type: "array", maxItems: 3, items: integer } },
    rule: { rule: "self.l[3] > 1" },
    spec: { l: [1] },
    problem: invalid("spec", 'Invalid value: "object": index out of bounds: 3 evaluating rule: self.l[3] > 1'),
  }),
  "a key that is not there": breaks({
    fields: { a: integer, b: integer },
    rule: { rule: "self.b > 1" },
    spec: { a: 1 },
    problem: invalid("spec", 'Invalid value: "object": no such key: b evaluating rule: self.b > 1'),
  }),
  "a quantity that is none": failsFor(
    "quantity(self.q).isInteger()",
    "zz",
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  ),
  "an address that is none": failsFor(
    "ip(self.q).family() == 4",
    "zz",
    'IP Address "zz" parse error during conversion from string: ParseAddr("zz"): unable to parse IP',
  ),
  "a network that is none": failsFor(
    "cidr(self.q).prefixLength() == 8",
    "10.0.0.0",
    "network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(\"10.0.0.0\"): no '/'",
  ),
  "a URL that is none": failsFor(
    "url(self.q).getScheme() == 'https'",
    "a b",
    'URL parse error during conversion from string: parse "a b": invalid URI for request',
  ),
  "a rule with an optional old self has to look at it": isNoRule(
    { rule: "self.a > 1", optionalOldSelf: true },
    "optionalOldSelf",
    "Invalid value: true: may not be set if oldSelf is not used in rule",
  ),
  "what does not fit is told by the place of the operator": isNoRule(
    { rule: "self.a == 'x'" },
    "rule",
    /<input>:1:8: found no matching overload for '_==_' applied to '\(int, string\)'\n \| self\.a == 'x'\n \| \.{7}\^$/,
  ),
  "a function that takes something else is told by its types": isNoRule(
    { rule: "'x'.startsWith(self.a)" },
    "rule",
    /<input>:1:15: found no matching overload for 'startsWith' applied to 'string\.\(int\)'\n/,
  ),
  "a function that there is not": isNoRule(
    { rule: "self.a.zap()" },
    "rule",
    /<input>:1:11: undeclared reference to 'zap' \(in container ''\)\n/,
  ),
  "a number has no fields": isNoRule(
    { rule: "self.a.b == 1" },
    "rule",
    /<input>:1:7: type 'int' does not support field selection\n/,
  ),
  "a duration is one, in Go's words": breaks({
    fields: { q: duration },
    rule: { rule: "self.q > duration('1h')" },
    spec: { q: "90m" },
  }),
  "and in others": breaks({
    fields: { q: duration },
    rule: { rule: "duration(self.q) == duration('410h') && self.q.getHours() == 410 && string(self.q) == '1476000s'" },
    spec: { q: "2 weeks 3 days 2h" },
  }),
  "a duration that is too short": breaks({
    fields: { q: duration },
    rule: { rule: "self.q > duration('1h')" },
    spec: { q: "3s" },
    problem: invalid("spec", "Invalid value: failed rule: self.q > duration('1h')"),
  }),
  "a path has to lead somewhere": isNoRule(
    { rule: "self.a > 1", fieldPath: ".none" },
    "fieldPath",
    /^Invalid value: "\.none": /,
  ),
  "a rule says yes or no": isNoRule({ rule: "self.a" }, "rule", /cel expression must evaluate to a bool$/),
});
