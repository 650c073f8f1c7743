/** What is said of fields that come twice or that no kind has: in warnings, in refusals, or not at all. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectRefusal } from "../expect.ts";
import { configMap } from "../manifests.ts";
import { installWidgets, widget } from "../widgets.ts";
import type { Answer, World } from "../world.ts";

const STRICT = "?fieldValidation=Strict";
const MERGE = "application/merge-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";
const JSON_PATCH = "application/json-patch+json";
const APPLY = "application/apply-patch+yaml";

const mapText = (name: string, rest: string): string => `{"metadata":{"name":"${name}"}${rest}}`;
const REPEATED = ',"data":{"k":"v","k":"w"},"data":{"z":"1"},"foo":1,"foo":2';

const REPEATED_YAML = [
  "metadata:",
  "  name: m",
  "  labels:",
  "    a: b",
  "    a: c",
  "data:",
  "  k: v",
  "extra:",
  "  x: 1",
  "extra:",
  "  x: 2",
].join("\n");

function warningsOf({ headers }: Answer): string[] {
  const texts = (headers.get("warning") ?? "").matchAll(/299 - ("(?:[^"\\]|\\.)*")/g);
  return [...texts].map(([, text = ""]) => JSON.parse(text) as string);
}

async function createMap({ call, path }: World): Promise<string> {
  expectBody(await call("POST", path("configmaps"), { body: configMap("m", { a: "1" }) }), 201);
  return `${path("configmaps")}/m`;
}

async function createWidget(world: World): Promise<string> {
  const widgets = await installWidgets(world);
  expectBody(await world.call("POST", widgets, { body: widget(world, "m") }), 201);
  return `${widgets}/m`;
}

const refusedAs = (kind: string, why: string) => ({
  reason: "BadRequest",
  message: `${kind} in version "v1" cannot be handled as a ${kind}: strict decoding error: ${why}`,
});

export const fieldValidationCases = behaviour("fields", {
  "what is said twice is told of, in its place among what is unknown": async ({ call, path }) => {
    const answer = await call("POST", path("configmaps"), { body: mapText("m", REPEATED) });
    expectBody(answer, 201);
    assert.deepEqual(warningsOf(answer), ['duplicate field "data.k"', 'duplicate field "data"', 'unknown field "foo"']);
  },
  "what is said twice is refused where validation is strict": async ({ call, path }) => {
    const answer = await call("POST", `${path("configmaps")}${STRICT}`, { body: mapText("m", REPEATED) });
    expectRefusal(
      answer,
      400,
      refusedAs("ConfigMap", 'duplicate field "data.k", duplicate field "data", unknown field "foo"'),
    );
  },
  "nothing is told of where validation is to be left out": async ({ call, path }) => {
    const body = mapText("m", REPEATED);
    const answer = await call("POST", `${path("configmaps")}?fieldValidation=Ignore`, { body });
    expectBody(answer, 201);
    assert.deepEqual(warningsOf(answer), []);
  },
  "validation of another sort is refused": async ({ call, path }) => {
    const answer = await call("POST", `${path("configmaps")}?fieldValidation=Some`, { body: configMap("m") });
    const why = 'Unsupported value: "Some": supported values: "", "Ignore", "Strict", "Warn"';
    expectRefusal(answer, 422, {
      reason: "Invalid",
      message: `CreateOptions.meta.k8s.io "" is invalid: fieldValidation: ${why}`,
      details: {
        group: "meta.k8s.io",
        kind: "CreateOptions",
        causes: [{ reason: "FieldValueNotSupported", message: why, field: "fieldValidation" }],
      },
    });
  },
  "inside what is unknown nothing is looked for": async ({ call, path }) => {
    const body =
      '{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","name":"b","image":"i","ports":[{"containerPort":1,' +
      '"containerPort":2,"zz":1}],"resources":{"limits":{"cpu":"1","cpu":"2"}}}],"zz":{"a":1,"a":2}}}';
    const why = [
      'duplicate field "spec.containers[0].name"',
      'duplicate field "spec.containers[0].ports[0].containerPort"',
      'unknown field "spec.containers[0].ports[0].zz"',
      'duplicate field "spec.containers[0].resources.limits.cpu"',
      'unknown field "spec.zz"',
    ].join(", ");
    expectRefusal(await call("POST", `${path("pods")}${STRICT}`, { body }), 400, refusedAs("Pod", why));
  },
  "a hundred problems are told, and no more": async ({ call, path }) => {
    const fields = Array.from({ length: 150 }, (_, index) => `"f${index}":1`).join(",");
    const answer = await call("POST", `${path("configmaps")}${STRICT}`, { body: mapText("m", `,${fields}`) });
    const told = Array.from({ length: 100 }, (_, index) => `unknown field "f${index}"`).join(", ");
    expectRefusal(answer, 400, refusedAs("ConfigMap", told));
  },
  "warnings that are too long together are cut short": async ({ call, path }) => {
    const fields = Array.from({ length: 30 }, (_, index) => `"${index}${"f".repeat(300)}":1`).join(",");
    const answer = await call("POST", path("configmaps"), { body: mapText("m", `,${fields}`) });
    assert.deepEqual(
      warningsOf(answer).map(({ length }) => length),
      Array.from({ length: 16 }, () => 256),
    );
  },
  "a write that is refused has its warnings too": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("m") });
    const answer = await call("POST", path("configmaps"), { body: { ...configMap("m"), extra: 1 } });
    assert.equal(answer.status, 409);
    assert.deepEqual(warningsOf(answer), ['unknown field "extra"']);
  },
  "an update tells as a creation does": async (world) => {
    const at = await createMap(world);
    const answer = await world.call("PUT", at, { body: mapText("m", ',"data":{"k":"v","k":"w"},"foo":1') });
    expectBody(answer, 200);
    assert.deepEqual(warningsOf(answer), ['duplicate field "data.k"', 'unknown field "foo"']);
  },
  "YAML that says a key twice is told of by its lines": async ({ call, path }) => {
    const answer = await call("POST", path("configmaps"), { body: REPEATED_YAML, type: "application/yaml" });
    expectBody(answer, 201, { metadata: { labels: { a: "c" } } });
    assert.deepEqual(warningsOf(answer), [
      'line 5: key "a" already set in map',
      'line 11: key "extra" already set in map',
      'unknown field "extra"',
    ]);
  },
  "YAML that says a key twice is refused where validation is strict": async ({ call, path }) => {
    const body = REPEATED_YAML;
    const answer = await call("POST", `${path("configmaps")}${STRICT}`, { body, type: "application/yaml" });
    const lines = '\n  line 5: key "a" already set in map\n  line 11: key "extra" already set in map';
    const why = `yaml: unmarshal errors:${lines}, unknown field "extra"`;
    expectRefusal(answer, 400, refusedAs("ConfigMap", why));
  },
  "of a custom kind, what comes twice is told first, then what is unknown, by its name": async (world) => {
    const widgets = await installWidgets(world);
    const body = JSON.stringify(widget(world, "a")).replace(
      '"spec":{"size":3}',
      '"zoo":1,"spec":{"size":4,"size":5,"bar":1,"abc":2}',
    );
    const answer = await world.call("POST", `${widgets}${STRICT}`, { body });
    const why = 'duplicate field "spec.size", unknown field "spec.abc", unknown field "spec.bar", unknown field "zoo"';
    expectRefusal(answer, 400, refusedAs("Widget", why));
  },
  "metadata of a custom kind has no fields of its own": async (world) => {
    const widgets = await installWidgets(world);
    const metadata = {
      name: "a",
      typo: 1,
      ownerReferences: [{ apiVersion: "v1", kind: "X", name: "x", uid: "u", odd: 1 }],
    };
    const answer = await world.call("POST", widgets, { body: { ...widget(world, "a"), metadata } });
    assert.equal("typo" in expectBody(answer, 201).metadata, false);
    assert.deepEqual(warningsOf(answer), [
      'unknown field "metadata.ownerReferences[0].odd"',
      'unknown field "metadata.typo"',
    ]);
  },
  "a merge patch is told of what it says twice, then of what comes of it": async (world) => {
    const at = await createMap(world);
    const body = '{"data":{"a":"2","a":"3"},"foo":1}';
    const answer = await world.call("PATCH", at, { type: MERGE, body });
    expectBody(answer, 200, { data: { a: "3" } });
    const problems = ['duplicate field "data.a"', 'unknown field "foo"'];
    assert.deepEqual(warningsOf(answer), problems);
    expectRefusal(await world.call("PATCH", `${at}${STRICT}`, { type: MERGE, body }), 422, {
      reason: "Invalid",
      message: new RegExp(
        `^ "" is invalid: patch: Invalid value: "{.*\\\\"foo\\\\":1.*}": strict decoding error: ${problems.join(", ")}$`,
      ),
    });
  },
  "a JSON patch is told of what no operation has": async (world) => {
    const at = await createMap(world);
    const body = '[{"op":"add","path":"/data/b","value":"1","value":"2","note":1}]';
    const answer = await world.call("PATCH", at, { type: JSON_PATCH, body });
    expectBody(answer, 200, { data: { b: "2" } });
    assert.deepEqual(warningsOf(answer), [
      'json patch duplicate field "[0].value"',
      'json patch unknown field "[0].note"',
    ]);
  },
  "a strategic patch is quoted as Go has it": async (world) => {
    const at = `${await createMap(world)}${STRICT}`;
    const body = '{"data":{"a":"2","a":"3"},"foo":{"z":[1,1.5,"x",true,null],"b":1}}';
    const quoted = "map[data:map[a:3] foo:map[b:1 z:[1 1.5 x true <nil>]]]";
    const why = 'strict decoding error: duplicate field "data.a", unknown field "foo"';
    const message = `Invalid value: "${quoted}": ${why}`;
    expectRefusal(await world.call("PATCH", at, { type: STRATEGIC, body }), 422, {
      reason: "Invalid",
      message: ` "" is invalid: patch: ${message}`,
      details: { causes: [{ reason: "FieldValueInvalid", message, field: "patch" }] },
    });
  },
  "an apply configuration is told of its lines, whether it is JSON or not": async (world) => {
    const at = `${await createMap(world)}${STRICT}&fieldManager=f`;
    const prefix = "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n";
    for (const [body, line] of [
      ["apiVersion: v1\nkind: ConfigMap\ndata:\n  q: a\n  q: b\n", 5],
      ['{"apiVersion":"v1","kind":"ConfigMap","data":{"q":"a","q":"b"}}', 1],
    ] as const) {
      expectRefusal(await world.call("PATCH", at, { type: APPLY, body }), 400, {
        reason: "BadRequest",
        message: `${prefix}  line ${line}: key "q" already set in map`,
      });
    }
  },
  "a patch of a custom kind is told of what it brings in": async (world) => {
    const at = await createWidget(world);
    const answer = await world.call("PATCH", at, { body: { spec: { bar: 1 } } });
    assert.deepEqual(warningsOf(answer), ['unknown field "spec.bar"']);
    expectRefusal(await world.call("PATCH", `${at}${STRICT}`, { body: { spec: { bar: 1 } } }), 422, {
      reason: "Invalid",
      message: /strict decoding error: unknown field "spec\.bar"$/,
    });
  },
  "requests for tokens and reviews are held to their fields": async ({ call, path }) => {
    expectBody(await call("POST", path("serviceaccounts"), { body: { metadata: { name: "robot" } } }), 201);
    const token = { body: '{"spec":{"audiences":["a"],"audiences":["b"]},"foo":1}' };
    expectRefusal(
      await call("POST", `${path("serviceaccounts")}/robot/token${STRICT}`, token),
      400,
      refusedAs("TokenRequest", 'duplicate field "spec.audiences", unknown field "foo"'),
    );
    const review = await call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
      body: { spec: { resourceAttributes: { verb: "get" } }, foo: 1 },
    });
    assert.deepEqual(warningsOf(review), ['unknown field "foo"']);
  },
});
