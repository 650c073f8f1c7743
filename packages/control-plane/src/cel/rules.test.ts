import assert from "node:assert/strict";
import { test } from "node:test";
import { checkSchema } from "../schema/check-schema.ts";
import type { Schema } from "../schema/structural.ts";
import { compileRuleValidator } from "./validate-rules.ts";

type RuleDefinition = { rule: string; [field: string]: unknown };

const spec = (schema: Schema): Schema => ({ type: "object", properties: { spec: schema } });
const withRules = (schema: Schema, ...rules: RuleDefinition[]): Schema => ({
  ...schema,
  "x-kubernetes-validations": rules,
});
const INTEGER = { type: "integer" };
const TEXT = { type: "string" };

function problems(schema: Schema, value: unknown, old?: unknown): string[] {
  const validate = compileRuleValidator(spec(schema)) ?? assert.fail("the schema has rules");
  const before = old === undefined ? undefined : { spec: old };
  return validate({ spec: value }, before).map(({ field, message }) => `${field}: ${message}`);
}

/** What an expression over `self` comes to. */
function holds(rule: string, schema: Schema, value: unknown): boolean {
  assert.deepEqual(checkSchema(spec(withRules(schema, { rule })), "s"), [], rule);
  const found = problems(withRules(schema, { rule }), value);
  if (found.length > 0) assert.deepEqual(found.length, 1);
  assert.ok(
    found.every((problem) => problem.includes("failed rule")),
    found.join(),
  );
  return found.length === 0;
}

test("a broken rule is told with the value of a scalar and with its own message", () => {
  const schema = withRules(INTEGER, { rule: "self < 5", message: "small" }, { rule: "self != 7" });
  assert.deepEqual(problems(schema, 7), [
    "spec: Invalid value: 7: small",
    "spec: Invalid value: 7: failed rule: self != 7",
  ]);
  assert.deepEqual(problems(schema, 4), []);
});

test("reason, field path and message expression shape the answer", () => {
  const object = { type: "object", properties: { a: INTEGER } };
  assert.deepEqual(
    problems(
      withRules(
        object,
        { rule: "self.a < 3", fieldPath: ".a", message: "too big" },
        { rule: "self.a < 3", messageExpression: "'is ' + string(self.a)" },
        { rule: "self.a < 3", reason: "FieldValueForbidden", message: "no" },
        { rule: "self.a < 3", reason: "FieldValueRequired", message: "no" },
      ),
      { a: 4 },
    ),
    ["spec.a: Invalid value: too big", "spec: Invalid value: is 4", "spec: Forbidden: no", "spec: Required value: no"],
  );
  assert.deepEqual(problems(withRules(TEXT, { rule: "self != 'x'", reason: "FieldValueDuplicate" }), "x"), [
    'spec: Duplicate value: "x"',
  ]);
});

test("a rule that cannot be evaluated is broken", () => {
  const schema = withRules(
    { type: "object", properties: { a: INTEGER, b: INTEGER } },
    { rule: "self.a / self.b == 1" },
  );
  assert.deepEqual(problems(schema, { a: 1, b: 0 }), [
    'spec: Invalid value: "object": division by zero evaluating rule: self.a / self.b == 1',
  ]);
  assert.deepEqual(problems(schema, { a: 1 }), [
    'spec: Invalid value: "object": no such key: b evaluating rule: self.a / self.b == 1',
  ]);
});

test("transition rules wait for an old value; optionalOldSelf does not", () => {
  const fixed = withRules(TEXT, { rule: "self == oldSelf", message: "fixed" });
  assert.deepEqual(problems(fixed, "a"), []);
  assert.deepEqual(problems(fixed, "b", "a"), ['spec: Invalid value: "b": fixed']);
  const started = withRules(INTEGER, { rule: "oldSelf.hasValue() || self == 1", optionalOldSelf: true, message: "1" });
  assert.deepEqual(problems(started, 2), ["spec: Invalid value: 2: 1"]);
  assert.deepEqual(problems(started, 2, 1), []);
});

test("items of a keyed list know their old selves, values that did not change are left alone", () => {
  const list = {
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    items: withRules({ type: "object", properties: { k: TEXT, v: INTEGER } }, { rule: "self.v >= oldSelf.v" }),
  };
  const old = [
    { k: "a", v: 1 },
    { k: "b", v: 5 },
  ];
  assert.deepEqual(
    problems(
      list,
      [
        { k: "b", v: 4 },
        { k: "c", v: 0 },
      ],
      old,
    ),
    ["spec[0]: Invalid value: failed rule: self.v >= oldSelf.v"],
  );
  assert.deepEqual(problems(withRules(INTEGER, { rule: "self < 5" }), 9, 9), []);
});

test("values have the types of their schema", () => {
  const object = {
    type: "object",
    properties: {
      count: INTEGER,
      ratio: { type: "number" },
      port: { "x-kubernetes-int-or-string": true },
      since: { type: "string", format: "date-time" },
      labels: { type: "object", additionalProperties: TEXT },
      "dashed-name": TEXT,
      namespace: TEXT,
      tags: { type: "array", items: TEXT },
    },
  };
  const value = {
    count: 3,
    ratio: 2,
    port: "http",
    since: "2020-01-01T00:00:00Z",
    labels: { a: "b" },
    "dashed-name": "x",
    namespace: "n",
    tags: ["b", "a"],
  };
  for (const rule of [
    "self.count == 3 && self.count / 2 == 1",
    "self.ratio / 4.0 == 0.5",
    "type(self.port) == string ? self.port == 'http' : self.port == 80",
    "self.since < timestamp('2021-01-01T00:00:00Z')",
    "'a' in self.labels && self.labels.all(key, self.labels[key] == 'b')",
    "self.__dash__ed == ''".replace("__dash__ed", "dashed__dash__name").replace("''", "'x'"),
    "self.__namespace__ == 'n'",
    "!has(self.labels.constructor) && !('toString' in self.labels)",
    "self.tags.exists(tag, tag == 'a') && self.tags.map(tag, size(tag)) == [1, 1]",
    "self.tags.filter(tag, tag > 'a').size() == 1",
    "!self.tags.isSorted() && self.tags.max() == 'b' && self.tags.indexOf('a') == 1",
  ]) {
    assert.equal(holds(rule, object, value), true, rule);
  }
  assert.equal(holds("self.count > 3", object, value), false);
});

test("Kubernetes' libraries are there", () => {
  for (const [rule, value] of [
    ["isURL(self) && url(self).getHost() == 'a.example.com:80'", "https://a.example.com:80/x"],
    ["!isURL(self)", "../x"],
    ["self.find('[0-9]+') == '12' && self.findAll('[0-9]+') == ['12', '3']", "a12b3"],
    ["quantity(self).isGreaterThan(quantity('1Gi')) && quantity(self).compareTo(quantity('1.5Gi')) == 0", "1536Mi"],
    ["isQuantity(self) && quantity(self).add(quantity('500m')) == quantity('2')", "1500m"],
    ["!isQuantity(self)", "1.5Xi"],
    ["isIP(self) && cidr('10.0.0.0/8').containsIP(self)", "10.1.2.3"],
    ["isCIDR(self) && !cidr(self).containsIP('10.0.1.0')", "10.0.0.0/24"],
    ["self.replace('a', 'b').charAt(1) == 'b' && self.split(',').join('') == 'aab'", "a,a,b"].map((text) =>
      text.replace("charAt(1) == 'b'", "charAt(0) == 'b'"),
    ),
    ["sets.contains([1, 2], [2]) && self.matches('^a+$')", "aaa"],
  ] as [string, string][]) {
    assert.equal(holds(rule, TEXT, value), true, rule);
  }
});

test("rules are checked when they are declared", () => {
  const object = { type: "object", properties: { a: INTEGER } };
  const check = (schema: Schema): string[] =>
    checkSchema(schema, "s").map(({ field, message }) => `${field}: ${message}`);
  const shown = (rule: string): string =>
    `{"Rule":"${rule}","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}`;
  assert.deepEqual(check(withRules(object, { rule: "self.b == 1" })), [
    `s.x-kubernetes-validations[0].rule: Invalid value: ${shown("self.b == 1")}: compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b == 1\n | ....^`,
  ]);
  assert.deepEqual(check(withRules(object, { rule: "nope" })), [
    `s.x-kubernetes-validations[0].rule: Invalid value: ${shown("nope")}: compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^`,
  ]);
  assert.deepEqual(check(withRules(object, { rule: "self.a" })), [
    `s.x-kubernetes-validations[0].rule: Invalid value: ${shown("self.a")}: cel expression must evaluate to a bool`,
  ]);
  assert.match(check(withRules(object, { rule: "self.a == 'x'" }))[0] ?? "", /compilation failed/);
  assert.match(check(withRules(object, { rule: "self.a ==" }))[0] ?? "", /Syntax error/);
  assert.deepEqual(check(withRules(object, { rule: "" })), [
    "s.x-kubernetes-validations[0].rule: Required value: rule is not specified",
  ]);
  assert.deepEqual(check(withRules(object, { rule: "true", fieldPath: ".zz", reason: "Zz" })), [
    's.x-kubernetes-validations[0].reason: Unsupported value: "Zz": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"',
    's.x-kubernetes-validations[0].fieldPath: Invalid value: ".zz": must be a valid path',
  ]);
  assert.deepEqual(check({ type: "array", items: withRules(TEXT, { rule: "self == oldSelf" }) }), [
    's.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within s',
  ]);
});

test("rules that would take too long are not run", () => {
  const list = { type: "array", items: INTEGER };
  const cubic = "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))";
  const schema = withRules(list, { rule: cubic });
  assert.deepEqual(problems(schema, [1, 2, 3]), []);
  assert.match(
    problems(
      schema,
      Array.from({ length: 1000 }, () => 1),
    ).join(),
    /running out of cost budget/,
  );
});
