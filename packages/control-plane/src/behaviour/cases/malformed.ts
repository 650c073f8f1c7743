/** Bodies and patches that cannot be read, or are not what they should be: the code, the reason and the words. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectRefusal } from "../expect.ts";
import { configMap } from "../manifests.ts";
import { installWidgets, widget } from "../widgets.ts";
import type { CallOptions, World } from "../world.ts";

const JSON_PATCH = "application/json-patch+json";
const MERGE = "application/merge-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";
const APPLY = "application/apply-patch+yaml";
const YAML = "application/yaml";

const VERSION_AND_KIND =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
const UNFIT = "the server rejected our request due to an error in our request";
const ACCEPTED_BODIES =
  "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf";

async function createMap({ call, path }: World): Promise<string> {
  expectBody(await call("POST", path("configmaps"), { body: configMap("m", { a: "1" }) }), 201);
  return `${path("configmaps")}/m`;
}

type Row = [body: unknown, code: number, message: string | RegExp];

/** The method and path answer each body so; nothing is stored. */
async function expectAnswers(
  { call }: World,
  [method, path, options]: [method: string, path: string, options?: CallOptions],
  rows: readonly Row[],
): Promise<void> {
  const at = `${path}${path.includes("?") ? "&" : "?"}dryRun=All`;
  for (const [body, code, message] of rows) {
    const answer = await call(method, at, { ...options, body });
    if (code < 400) expectBody(answer, code);
    else expectRefusal(answer, code, { ...reasonOf(code), message });
  }
}

const REASONS: Record<number, string> = {
  400: "BadRequest",
  409: "Conflict",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
};

function reasonOf(code: number): { reason?: string } {
  const reason = REASONS[code];
  return reason === undefined ? {} : { reason };
}

const unrecognized = (why: string): string => `the object provided is unrecognized (must be of type ConfigMap): ${why}`;
const unreadable = (why: string): string => unrecognized(`couldn't get version/kind; json parse error: ${why}`);

export const malformedCases = behaviour("malformed", {
  "options of reading that cannot be read": async (world) => {
    const { call } = world;
    const at = await createMap(world);
    const maps = world.path("configmaps");
    const version = 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax';
    const integer = 'strconv.ParseInt: parsing "x": invalid syntax';
    const rows: [path: string, code: number, message: string][] = [
      [`${at}?resourceVersion=abc`, 500, version],
      [`${maps}?watch=1&resourceVersion=abc`, 500, version],
      [`${maps}?resourceVersion=abc`, 400, `invalid resource version: ${version}`],
      [`${maps}?limit=x`, 400, integer],
      [`${maps}?watch=1&timeoutSeconds=x`, 400, integer],
      [
        `${maps}?continue=abc`,
        400,
        "invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value",
      ],
      [
        `${maps}?labelSelector=a%20b`,
        400,
        "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
      ],
    ];
    for (const [path, code, message] of rows)
      expectRefusal(await call("GET", path), code, { ...reasonOf(code), message });
    expectBody(await call("GET", `${maps}?limit=-1`), 200);
    assert.equal((await call("HEAD", at)).status, 405);
  },
  "of a path that it does not know the server says no more": async ({ call }) => {
    for (const path of ["/none", "/apis/none", "/apis/none.example.com/v1", "/readyz/none"]) {
      const answer = await call("GET", path);
      assert.deepEqual([answer.status, answer.body["content"]], [404, "404 page not found\n"], path);
    }
  },
  "a body that is no JSON is refused in the words of Go": async (world) => {
    await expectAnswers(
      world,
      ["POST", world.path("configmaps")],
      [
        ["", 400, unreadable("unexpected end of JSON input (<empty>)")],
        ["{oops", 400, unreadable("invalid character 'o' looking for beginning of object key string ({oops)")],
        ["{} x", 400, unreadable("invalid character 'x' after top-level value ({} x)")],
        ['{"a":tru}', 400, unreadable("invalid character '}' in literal true (expecting 'e') ({\"a\":tru})")],
        ["[]", 400, unreadable(`json: cannot unmarshal array into Go value of type ${VERSION_AND_KIND} (5b5d)`)],
        ["1", 400, unreadable(`json: cannot unmarshal number into Go value of type ${VERSION_AND_KIND} (31)`)],
        [
          '{"kind":1}',
          400,
          unreadable('json: cannot unmarshal number into Go struct field .kind of type string ({"kind":1})'),
        ],
        [`{"a":"${"x".repeat(40)}"`, 400, unreadable(`unexpected end of JSON input ({"a":"${"x".repeat(24)} ...)`)],
      ],
    );
  },
  "YAML is that of version 1.1, and its first document counts": async ({ call, path }) => {
    const send = (body: string) => call("POST", path("configmaps"), { body, type: YAML });
    expectBody(await send("metadata:\n  name: a\nimmutable: yes\n"), 201, { immutable: true });
    expectBody(await send("metadata: {name: b}\ndata:\n  <<: {x: z}\n  d: 2001-01-01\n"), 201, {
      data: { x: "z", d: "2001-01-01" },
    });
    expectBody(await send("metadata:\n  name: c\n---\nmetadata:\n  name: d\n"), 201, { metadata: { name: "c" } });
    expectRefusal(await send("metadata:\n  name: e\ndata:\n  k: no\n"), 400, {
      reason: "BadRequest",
      message: /cannot unmarshal bool into Go struct field ConfigMap\.data of type string$/,
    });
    const problem = await send("a: [\n");
    assert.match(
      String(problem.body["message"]),
      /^the object provided is unrecognized .*: yaml: line \d+: .* \(613a205b0a\)$/,
    );
  },
  "a body needs a type that the server reads": async (world) => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/cbor", ";;;"]) {
      await expectAnswers(
        world,
        ["POST", world.path("configmaps"), { type }],
        [[configMap("a"), 415, ACCEPTED_BODIES]],
      );
    }
  },
  "an object of a custom kind names its kind and version": async (world) => {
    const widgets = await installWidgets(world);
    const say = (why: string): string => `the object provided is unrecognized (must be of type Widget): ${why}`;
    await expectAnswers(
      world,
      ["POST", widgets],
      [
        ["{}", 400, say("Object 'Kind' is missing in '{}' ({})")],
        ["null", 400, say("Object 'Kind' is missing in 'null' (6e756c6c)")],
        [
          { kind: "Widget" },
          400,
          `the API version in the data () does not match the expected API version (${world.group}/v1)`,
        ],
      ],
    );
  },
  "metadata of a custom kind has the types of all metadata": async (world) => {
    const widgets = await installWidgets(world);
    const say = (why: string): string => `Widget in version "v1" cannot be handled as a Widget: ${why}`;
    const field = (type: string, name: string, wanted: string): string =>
      say(`json: cannot unmarshal ${type} into Go struct field ${name} of type ${wanted}`);
    const made = (metadata: unknown): object => ({ ...widget(world, "a"), metadata });
    await expectAnswers(
      world,
      ["POST", widgets],
      [
        [made("x"), 400, say("json: cannot unmarshal string into Go value of type v1.ObjectMeta")],
        [made({ name: 1 }), 400, field("number", "ObjectMeta.name", "string")],
        [made({ name: "a", labels: { a: 1 } }), 400, field("number", "ObjectMeta.labels", "string")],
        [made({ name: "a", finalizers: [1] }), 400, field("number", "ObjectMeta.finalizers", "string")],
        [
          made({ name: "a", ownerReferences: {} }),
          400,
          field("object", "ObjectMeta.ownerReferences", "[]v1.OwnerReference"),
        ],
      ],
    );
  },
  "owners that say too little are refused": async (world) => {
    const rules = ["apiVersion", "kind", "uid"].map((field) => {
      const why = field === "apiVersion" ? "version must not be empty" : "must not be empty";
      return `metadata.ownerReferences.${field}: Invalid value: "": ${why}`;
    });
    await expectAnswers(
      world,
      ["POST", world.path("configmaps")],
      [
        [
          configMap("a", {}, { ownerReferences: [{ name: "x" }] }),
          422,
          `ConfigMap "a" is invalid: [${rules.join(", ")}]`,
        ],
      ],
    );
  },
  "an object that is too large for storage, or for a request": async (world) => {
    const widgets = await installWidgets(world);
    const large = (bytes: number): object => widget(world, "a", { size: 1, free: { text: "x".repeat(bytes) } });
    const stored = await world.call("POST", widgets, { body: large(2_000_000) });
    expectRefusal(stored, 500, { message: "etcdserver: request is too large" });
    expectRefusal(await world.call("POST", widgets, { body: large(3_200_000) }), 413, {
      reason: "RequestEntityTooLarge",
      message: "Request entity too large: limit is 3145728",
    });
  },
  "a resourceVersion that is no number is an error of the server's": async (world) => {
    const at = await createMap(world);
    const body = (resourceVersion: string): object => configMap("m", {}, { resourceVersion });
    const rows: Row[] = [
      [body("abc"), 500, 'strconv.ParseUint: parsing "abc": invalid syntax'],
      [body("-1"), 500, 'strconv.ParseUint: parsing "-1": invalid syntax'],
      [body("9".repeat(20)), 500, `strconv.ParseUint: parsing "${"9".repeat(20)}": value out of range`],
    ];
    await expectAnswers(world, ["PUT", at], rows);
    await expectAnswers(world, ["PATCH", at], rows);
    await expectAnswers(
      world,
      ["POST", world.path("configmaps")],
      [[configMap("n", {}, { resourceVersion: "abc" }), 201, ""]],
    );
  },
  "a JSON patch of another form": async (world) => {
    const say = (why: string): string => `error decoding patch: json: cannot unmarshal ${why}`;
    await expectAnswers(
      world,
      ["PATCH", await createMap(world), { type: JSON_PATCH }],
      [
        ["", 400, "error decoding patch: unexpected end of JSON input"],
        ["{oops", 400, "error decoding patch: invalid character 'o' looking for beginning of object key string"],
        ["{}", 400, say("object into Go value of type []handlers.jsonPatchOp")],
        ['"x"', 400, say("string into Go value of type []handlers.jsonPatchOp")],
        ["null", 200, ""],
        ["[1]", 400, say("number into Go value of type handlers.jsonPatchOp")],
        ["[null]", 422, UNFIT],
        [[{ op: "add", path: 1 }], 400, say("number into Go struct field jsonPatchOp.path of type string")],
        [[{ op: 1, path: "/data" }], 400, say("number into Go struct field jsonPatchOp.op of type string")],
        [
          Array.from({ length: 10_001 }, () => ({ op: "test", path: "/data/a", value: "1" })),
          413,
          "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
        ],
      ],
    );
  },
  "a JSON patch whose operations do not fit": async (world) => {
    const finalizers = { op: "add", path: "/metadata/finalizers", value: ["example.com/x"] };
    const unfit = [
      [{ op: "add" }],
      [{ op: "zap", path: "/data/a" }],
      [{ path: "/data/a" }],
      [{ op: "test", path: "/data/a", value: "9" }],
      [{ op: "test", path: "/data/none", value: "9" }],
      [{ op: "remove", path: "/data/none" }],
      [{ op: "remove", path: "" }],
      [{ op: "add", path: "/x/y/z", value: 1 }],
      [{ op: "add", path: "data", value: 1 }],
      [{ op: "add", path: "/data/a/b", value: "x" }],
      [{ op: "move", path: "/data/b" }],
      [{ op: "move", from: "/data/none", path: "/data/b" }],
      [finalizers, { op: "add", path: "/metadata/finalizers/5", value: "example.com/y" }],
      [finalizers, { op: "remove", path: "/metadata/finalizers/a" }],
      [finalizers, { op: "remove", path: "/metadata/finalizers/-" }],
    ];
    const at = await createMap(world);
    await expectAnswers(
      world,
      ["PATCH", at, { type: JSON_PATCH }],
      unfit.map((operations) => [operations, 422, UNFIT]),
    );
  },
  "a JSON patch may do more than the standard allows": async (world) => {
    const at = await createMap(world);
    const patch = (...body: object[]) => world.call("PATCH", `${at}?dryRun=All`, { type: JSON_PATCH, body });
    expectBody(await patch({ op: "replace", path: "/data/new", value: "1" }), 200, { data: { a: "1", new: "1" } });
    expectBody(await patch({ op: "test", path: "/data/none", value: null }), 200);
    const list = ["example.com/x", "example.com/y"];
    const answer = await patch(
      { op: "add", path: "/metadata/finalizers", value: list },
      { op: "remove", path: "/metadata/finalizers/-1" },
    );
    assert.deepEqual(expectBody(answer, 200).metadata.finalizers, ["example.com/x"]);
  },
  "a merge patch of another form": async (world) => {
    const say = (type: string): string =>
      `error decoding patch: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`;
    await expectAnswers(
      world,
      ["PATCH", await createMap(world), { type: MERGE }],
      [
        ["", 400, "error decoding patch: unexpected end of JSON input"],
        ["[]", 400, say("array")],
        ["true", 400, say("bool")],
        ["null", 400, "Invalid JSON Patch"],
      ],
    );
  },
  "a merge patch that makes something else of the object": async (world) => {
    const say = (why: string): RegExp => new RegExp(`^ "" is invalid: patch: Invalid value: "{.*}": ${why}$`);
    const nameless = "the name of the object (m based on URL) was undeterminable: name must be provided";
    await expectAnswers(
      world,
      ["PATCH", await createMap(world), { type: MERGE }],
      [
        [
          { data: "x" },
          422,
          say("json: cannot unmarshal string into Go struct field ConfigMap.data of type map\\[string\\]string"),
        ],
        [
          { data: { a: 1 } },
          422,
          say("json: cannot unmarshal number into Go struct field ConfigMap.data of type string"),
        ],
        [
          { apiVersion: "v2" },
          422,
          say('no kind "ConfigMap" is registered for version "v2" in scheme "pkg/runtime/scheme.go:111"'),
        ],
        [{ metadata: null }, 400, nameless],
        [{ metadata: { name: "" } }, 400, nameless],
      ],
    );
  },
  "a merge patch that makes another kind of a custom object": async (world) => {
    const widgets = await installWidgets(world);
    expectBody(await world.call("POST", widgets, { body: widget(world, "a") }), 201);
    const wanted = `must be ${world.group}/v1`;
    await expectAnswers(
      world,
      ["PATCH", `${widgets}/a`, { type: MERGE }],
      [
        [{ apiVersion: "v1" }, 422, `Widget "a" is invalid: apiVersion: Invalid value: "v1": ${wanted}`],
        [
          { apiVersion: "v1", kind: "Secret" },
          422,
          `Secret "a" is invalid: [kind: Invalid value: "Secret": must be Widget, apiVersion: Invalid value: "v1": ${wanted}]`,
        ],
        [{ kind: null }, 422, /^ "" is invalid: patch: Invalid value: "{.*}": Object 'Kind' is missing in '{.*}'$/],
        [{ metadata: { labels: { a: 1 } } }, 422, /Go struct field ObjectMeta\.labels of type string$/],
      ],
    );
  },
  "a strategic patch of another form": async (world) => {
    const at = await createMap(world);
    await expectAnswers(
      world,
      ["PATCH", at, { type: STRATEGIC }],
      [
        ["", 400, "unexpected end of JSON input"],
        ["[]", 400, "json: cannot unmarshal array into Go value of type map[string]interface {}"],
        ["null", 200, ""],
        [{ kind: "Secret", apiVersion: "v2" }, 200, ""],
      ],
    );
  },
  "a strategic patch that does not fit is quoted as Go has it": async (world) => {
    const say = (quoted: string, why: string): string =>
      ` "" is invalid: patch: Invalid value: "map[${quoted}]": ${why}`;
    await expectAnswers(
      world,
      ["PATCH", await createMap(world), { type: STRATEGIC }],
      [
        [{ data: "x" }, 422, say("data:x", "cannot restore map from string")],
        [{ data: ["x"] }, 422, say("data:[x]", "cannot restore map from slice")],
        [{ data: { a: 1 } }, 422, say("data:map[a:1]", "cannot convert int64 to string")],
        [{ metadata: "x" }, 422, say("metadata:x", "cannot restore struct from: string")],
        [
          { metadata: { finalizers: { a: 1 } } },
          422,
          say("metadata:map[finalizers:map[a:1]]", "cannot restore slice from map"),
        ],
      ],
    );
  },
  "a strategic patch with directives that make no sense": async (world) => {
    await expectAnswers(
      world,
      ["PATCH", await createMap(world), { type: STRATEGIC }],
      [
        [{ data: { $patch: "zap" } }, 500, "unknown patch type: zap in map: map[$patch:zap]"],
        [
          { data: { $patch: ["x", { a: true, b: null }] } },
          500,
          "unknown patch type: [x map[a:%!s(bool=true) b:<nil>]] in map: map[$patch:[x map[a:true b:<nil>]]]",
        ],
        [{ data: { $patch: 1 } }, 500, "unknown patch type: %!s(int64=1) in map: map[$patch:1]"],
        [{ data: { $retainKeys: ["z"], a: "2" } }, 400, "invalid patch format of retainKeys"],
        [{ metadata: { "$setElementOrder/finalizers": "x" } }, 500, "expected a []interface {}, but received a string"],
        [
          { metadata: { "$setElementOrder/finalizers": ["a"], finalizers: ["b"] } },
          500,
          "The order in patch list:\n[b]\n doesn't match $setElementOrder list:\n[a]\n",
        ],
      ],
    );
  },
  "an apply configuration of another form": async (world) => {
    const say = (why: string): string => `error decoding YAML: error unmarshaling JSON: while decoding JSON: ${why}`;
    await expectAnswers(
      world,
      ["PATCH", `${await createMap(world)}?fieldManager=f`, { type: APPLY }],
      [
        ["", 400, "invalid object type: /, Kind="],
        ["[]", 400, say("json: cannot unmarshal array into Go value of type map[string]interface {}")],
        [{ kind: "ConfigMap" }, 400, "invalid object type: /, Kind=ConfigMap"],
        [{ apiVersion: "v1", kind: "Secret" }, 400, "invalid object type: /v1, Kind=Secret"],
        [{ apiVersion: "apps/v1", kind: "X" }, 400, "invalid object type: apps/v1, Kind=X"],
        ["a: [", 400, /^error decoding YAML: error converting YAML to JSON: yaml: line 1: /],
      ],
    );
  },
  "an apply configuration that does not fit its kind": async (world) => {
    const made = (fields: object): object => ({ apiVersion: "v1", kind: "ConfigMap", ...fields });
    const say = (why: string): string => `failed to create typed patch object (/; /v1, Kind=ConfigMap): ${why}`;
    await expectAnswers(
      world,
      ["PATCH", `${await createMap(world)}?fieldManager=f`, { type: APPLY }],
      [
        [made({ data: { b: 1 } }), 500, say(".data.b: expected string, got &value.valueUnstructured{Value:1}")],
        [made({ data: ["a"] }), 500, say(".data: expected map, got &{[a]}")],
        [made({ foo: 1 }), 500, say(".foo: field not declared in schema")],
      ],
    );
  },
  "what is applied anew names itself, and no UID": async (world) => {
    const at = `${world.path("configmaps")}/new`;
    const made = (metadata: object): object => ({ apiVersion: "v1", kind: "ConfigMap", metadata });
    await expectAnswers(
      world,
      ["PATCH", `${at}?fieldManager=f`, { type: APPLY }],
      [
        [made({}), 400, "the name of the object (new based on URL) was undeterminable: name must be provided"],
        [
          made({ name: "new", uid: "1" }),
          409,
          'Operation cannot be fulfilled on configmaps "new": uid mismatch: the provided object specified uid 1, and no existing object was found',
        ],
      ],
    );
  },
  "a patch needs a type that the kind takes, whatever it says": async (world) => {
    const at = await createMap(world);
    for (const type of ["application/json", YAML, "x/y", "Application/Merge-Patch+JSON"]) {
      const answer = await world.call("PATCH", at, { type, body: "[" });
      expectRefusal(answer, 415, {
        reason: "UnsupportedMediaType",
        message: "415: Unsupported Media Type",
        details: {},
      });
    }
    expectBody(await world.call("PATCH", at, { type: `${MERGE}; charset=utf-8`, body: {} }), 200);
  },
  "all that is wrong with a write's parameters is told": async (world) => {
    const at = await createMap(world);
    const answer = await world.call("PATCH", `${at}?dryRun=x&fieldValidation=y&force=true`, { body: {} });
    expectRefusal(answer, 422, {
      reason: "Invalid",
      message:
        'PatchOptions.meta.k8s.io "" is invalid: [force: Forbidden: may not be specified for non-apply patch, dryRun: Unsupported value: ["x"]: supported values: "All", fieldValidation: Unsupported value: "y": supported values: "", "Ignore", "Strict", "Warn"]',
    });
    const named = await world.call("PATCH", `${at}?fieldManager=a%01b`, { body: {} });
    assert.equal(named.status, 422);
    assert.match(String(named.body["message"]), /invalid character U\+0001 \(at position 1\)$/);
  },
  "options of a deletion that cannot be read": async (world) => {
    const { call } = world;
    const at = await createMap(world);
    const rows: [unknown, string][] = [
      [
        "{oops",
        "couldn't get version/kind; json parse error: invalid character 'o' looking for beginning of object key string",
      ],
      [
        "[]",
        `couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type ${VERSION_AND_KIND}`,
      ],
      [configMap("m"), 'no kind "ConfigMap" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"'],
      [
        { gracePeriodSeconds: "x" },
        "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
      ],
    ];
    for (const [body, message] of rows) {
      expectRefusal(await call("DELETE", at, { body }), 400, { reason: "BadRequest", message });
    }
    expectRefusal(await call("DELETE", `${at}?gracePeriodSeconds=x`), 400, {
      reason: "BadRequest",
      message: 'strconv.ParseInt: parsing "x": invalid syntax',
    });
    const both = await call("DELETE", at, { body: { propagationPolicy: "Orphan", orphanDependents: true } });
    expectRefusal(both, 422, {
      reason: "Invalid",
      message:
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    });
    expectBody(await call("GET", at), 200);
  },
});
