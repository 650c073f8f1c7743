import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConfigVarString, createConfigVarResolver, type DataReader, parseGoDuration } from "./config-var.ts";
import { isProviderError } from "./errors.ts";

const { signal } = new AbortController();
const ref = (name: string, key = "key") => ({ namespace: "kube-system", name, key });
const reader =
  (objects: Record<string, Record<string, string>>): DataReader =>
  async ({ namespace, name }) =>
    objects[`${namespace}/${name}`];

const resolver = createConfigVarResolver({
  readSecret: reader({ "kube-system/cloud": { key: "from-secret", line: "with newline\n", empty: "", yes: "T" } }),
  readConfigMap: reader({ "kube-system/cloud": { key: "from-configmap", no: "0", number: "-12", wait: "1h30m" } }),
  environment: { TOKEN: "from-environment", FLAG: "true", EMPTY: "" },
});
const text = (variable: unknown, env?: string) =>
  resolver.string(variable as ConfigVarString | undefined, { path: "spec.token", env, signal });

test("a reference wins over a literal, a Secret over a ConfigMap, and the environment comes last", async () => {
  const [secretKeyRef, configMapKeyRef] = [ref("cloud"), ref("cloud")];
  assert.equal(await text({ value: "literal", secretKeyRef, configMapKeyRef }, "TOKEN"), "from-secret");
  assert.equal(await text({ value: "literal", configMapKeyRef }, "TOKEN"), "from-configmap");
  assert.equal(await text({ value: "literal" }, "TOKEN"), "literal");
  assert.equal(await text("literal", "TOKEN"), "literal");
  assert.equal(await text(undefined, "TOKEN"), "from-environment");
  assert.equal(await text({ value: "" }, "TOKEN"), "from-environment");
  assert.equal(await text({ secretKeyRef: ref("cloud", "empty") }, "TOKEN"), "from-environment");
  assert.equal(await text(undefined, "EMPTY"), "");
  assert.equal(await text(undefined, "UNSET"), "");
  assert.equal(await text(undefined), "");
});

test("a reference counts only with namespace, name and key", async () => {
  for (const partial of [
    { name: "cloud", key: "key" },
    { namespace: "kube-system", name: "cloud" },
    ref("", "key"),
    {},
  ]) {
    assert.equal(await text({ value: "literal", secretKeyRef: partial, configMapKeyRef: partial }), "literal");
  }
});

test("bare numbers and booleans are their text, null is unset, a Secret's text is not trimmed", async () => {
  assert.equal(await text(12.5), "12.5");
  assert.equal(await text(false), "false");
  assert.equal(await text(null), "");
  assert.equal(await text({ value: null, secretKeyRef: null }), "");
  assert.equal(await text({ secretKeyRef: ref("cloud", "line") }), "with newline\n");
});

test("keys match in any case and unknown ones are ignored, as Go decodes them", async () => {
  const secretKeyRef = { NameSpace: "kube-system", Name: "cloud", KEY: "key", uid: "ignored" };
  assert.equal(await text({ SecretKeyRef: secretKeyRef, other: 1 }, "TOKEN"), "from-secret");
  assert.equal(await text({ Value: "literal" }, "TOKEN"), "literal");
});

test("a reference that cannot be read is an error and never falls back to the environment", async () => {
  await assert.rejects(text({ secretKeyRef: ref("gone") }, "TOKEN"), {
    code: "Terminal",
    reason: "InvalidConfiguration",
    message: "spec.token: Secret kube-system/gone does not exist; create it",
  });
  await assert.rejects(text({ configMapKeyRef: ref("cloud", "other") }, "TOKEN"), {
    code: "Terminal",
    message: 'spec.token: ConfigMap kube-system/cloud has no key "other"; add it',
  });
  const broken = createConfigVarResolver({
    readSecret: () => Promise.reject(new Error("apiserver is away")),
    readConfigMap: reader({}),
    environment: { TOKEN: "from-environment" },
  });
  const options = { path: "spec.token", env: "TOKEN", signal };
  await assert.rejects(broken.string({ secretKeyRef: ref("cloud") }, options), /apiserver is away/);
});

test("a value of no known form is an error that does not show it", async () => {
  for (const variable of [["s3cret"], { value: { nested: "s3cret" } }]) {
    await assert.rejects(text(variable, "TOKEN"), (error) => {
      assert.ok(isProviderError(error, "Terminal"));
      assert.match(error.message, /^spec\.token: must be a text/);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  }
});

test("booleans are literals, or texts that Go's ParseBool takes", async () => {
  const options = { path: "spec.flag", env: "FLAG", signal };
  assert.equal(await resolver.bool(false, options), false);
  assert.equal(await resolver.bool({ value: true }, options), true);
  assert.equal(await resolver.bool({ secretKeyRef: ref("cloud", "yes") }, options), true);
  assert.equal(await resolver.bool({ configMapKeyRef: ref("cloud", "no") }, options), false);
  assert.equal(await resolver.bool(undefined, options), true);
  assert.equal(await resolver.bool(undefined, { path: "spec.flag", signal }), undefined);
  await assert.rejects(resolver.bool({ secretKeyRef: ref("cloud") }, options), {
    code: "Terminal",
    message: "spec.flag: must be true or false",
  });
});

test("numbers and durations are read from text; a duration of zero or less is unset", async () => {
  const options = { path: "spec.n", signal };
  assert.equal(await resolver.int({ configMapKeyRef: ref("cloud", "number") }, options), -12);
  assert.equal(await resolver.int(undefined, options), undefined);
  await assert.rejects(resolver.int("1.5", options), { message: "spec.n: must be a whole number" });
  assert.equal(await resolver.duration({ configMapKeyRef: ref("cloud", "wait") }, options), 5_400_000);
  assert.equal(await resolver.duration("0s", options), undefined);
  assert.equal(await resolver.duration("-1h", options), undefined);
  await assert.rejects(resolver.duration("soon", options), { message: /spec\.n: must be a duration/ });
});

test("durations have the form of Go's ParseDuration", () => {
  const durations: Record<string, number | undefined> = {
    "1h30m": 5_400_000,
    "1.5h": 5_400_000,
    ".5s": 500,
    "1.s": 1_000,
    "2h45m30s500ms": 9_930_500,
    "-1m": -60_000,
    "+10s": 10_000,
    "0": 0,
    "+0": 0,
    "1us": 0.001,
    "1\u00b5s": 0.001,
    "1\u03bcs": 0.001,
    "1000000ns": 1,
    "": undefined,
    "-": undefined,
    "5": undefined,
    "5d": undefined,
    h: undefined,
    ".s": undefined,
    "1 h": undefined,
    "1h\n": undefined,
  };
  for (const [duration, ms] of Object.entries(durations)) {
    assert.equal(parseGoDuration(duration), ms, `parseGoDuration(${JSON.stringify(duration)})`);
  }
});
