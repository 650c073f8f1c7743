import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { formatProblems, parseAs } from "./parse.ts";
import { ProviderSpec } from "./provider-spec.ts";

const valid = { cloudProvider: "hetzner", cloudProviderSpec: {}, operatingSystem: "ubuntu" };

test("keys match in any case and nulls count as absent", () => {
  const { value, problems } = parseAs(
    ProviderSpec,
    { CloudProvider: "hetzner", cloudproviderspec: { token: "t" }, operatingSystem: "ubuntu", sshPublicKeys: null },
    "spec.providerSpec.value",
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(value, { cloudProvider: "hetzner", cloudProviderSpec: { token: "t" }, operatingSystem: "ubuntu" });
});

test("a misspelt field is named with its path and the nearest name", () => {
  const { problems } = parseAs(ProviderSpec, { ...valid, sshPublicKey: [] }, "spec.providerSpec.value");
  assert.deepEqual(problems, [
    { path: "spec.providerSpec.value.sshPublicKey", message: 'unknown field; did you mean "sshPublicKeys"?' },
  ]);
});

test("a missing field, a wrong type and an unsupported value each say so", () => {
  const { problems } = parseAs(
    ProviderSpec,
    { cloudProviderSpec: {}, operatingSystem: "ubunto", network: { cidr: 7 } },
    "spec.providerSpec.value",
  );
  const text = formatProblems(problems);
  assert.match(text, /spec\.providerSpec\.value: cloudProvider must be set/);
  assert.match(text, /spec\.providerSpec\.value\.operatingSystem: "ubunto" is not supported; did you mean "ubuntu"\?/);
  assert.match(text, /spec\.providerSpec\.value\.network\.cidr: must be of type string, is 7/);
});

test("a nested unknown field is named too", () => {
  const { problems } = parseAs(ProviderSpec, { ...valid, network: { dns: { server: ["1.1.1.1"] } } }, "value");
  assert.equal(formatProblems(problems), 'value.network.dns.server: unknown field; did you mean "servers"?');
});

test("a text of the wrong type is not shown, since it may be a secret in the wrong place", () => {
  const { problems } = parseAs(ProviderSpec, { ...valid, cloudProviderSpec: "hunter2" }, "value");
  assert.equal(formatProblems(problems), "value.cloudProviderSpec: must be of type object, is a string");
});

test("nulls count as absent in the object form of a union too, and list items are named by index", () => {
  const schema = Type.Object({
    items: Type.Array(
      Type.Union([Type.String(), Type.Object({ value: Type.String(), ref: Type.Optional(Type.String()) })]),
    ),
  });
  const { value, problems } = parseAs(schema, { items: [{ value: "x", ref: null }, 7] }, "spec");
  assert.deepEqual(value.items[0], { value: "x" });
  assert.ok(
    problems.every(({ path }) => path.startsWith("spec.items[1]")),
    formatProblems(problems),
  );
  assert.notEqual(problems.length, 0);
});
