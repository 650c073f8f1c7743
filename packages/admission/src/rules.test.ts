import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, constantFrom, dictionary, jsonValue, pre, property } from "fast-check";
import { applyPatch } from "rfc6902";
import { createPatch } from "./json-patch.ts";
import { kubeletSkewRule } from "./kubelet-skew.ts";
import { parseVersionConstraint } from "./kubelet-version.ts";
import { withoutLegacyForms } from "./legacy-provider-spec.ts";
import { sshPublicKeyProblem } from "./ssh-public-key.ts";
import { PUBLIC_KEY } from "./example.fixture.ts";

test("a patch turns any object into any other", () => {
  const object = dictionary(constantFrom("a", "b/c", "d~e", "", "~1"), jsonValue(), { noNullPrototype: true });
  check(
    property(object, object, (before, after) => {
      // The library that applies patches here loses such members.
      pre(!JSON.stringify([before, after]).includes("__proto__"));
      const target = { root: structuredClone(before) };
      const patch = createPatch({ root: before }, { root: after });
      assert.deepEqual(
        applyPatch(target, patch).filter((error) => error !== null),
        [],
      );
      assert.deepEqual(JSON.parse(JSON.stringify(target)), JSON.parse(JSON.stringify({ root: after })));
    }),
  );
});

test("kubelet versions are held to constraints as the Go implementation reads them", () => {
  const cases: [constraint: string, allowed: string[], refused: string[]][] = [
    [">=0.0.0", ["1.36.2", "v1.36.2", "1.36", "0.0.1"], ["1.36.0-rc.1", "", "latest", "1.36.2.1"]],
    [">=0.0.0-0", ["1.36.0-rc.1", "1.36.2"], ["x"]],
    [">= 1.33, <1.36", ["1.33.0", "1.35.9"], ["1.32.9", "1.36.0"]],
    [">=1.33.0, != 1.34.1", ["1.34.0", "1.34.2"], ["1.34.1"]],
    ["1.33.x || =1.36.2", ["1.33.7", "1.36.2"], ["1.34.0", "1.36.3"]],
    ["=>1.35.0", ["1.35.0"], ["1.34.0"]],
    ["~1.35.1", ["1.35.4"], ["1.36.0", "1.35.0"]],
  ];
  for (const [constraint, allowed, refused] of cases) {
    const allows = parseVersionConstraint(constraint);
    for (const version of allowed) assert.equal(allows(version), undefined, `${constraint} ${version}`);
    for (const version of refused) assert.notEqual(allows(version), undefined, `${constraint} ${version}`);
  }
  assert.throws(() => parseVersionConstraint(">=one"), /">=one" is not a version constraint/);
});

test("public keys are read as authorized_keys lines", () => {
  const ecdsa =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBP74zLvaLwyRnTezZr3KSJz3OGkL/BVPacWe29c+G8fjBO/yCgvQh3RkrbTfEDi6q33vuwh+uWyuaPx0PQkK4Ps=";
  for (const key of [PUBLIC_KEY, ecdsa, `no-pty,command="a b" ${PUBLIC_KEY}`, `${PUBLIC_KEY} with a comment\n`]) {
    assert.equal(sshPublicKeyProblem(key), undefined, key);
  }
  const [type = "", encoded = ""] = PUBLIC_KEY.split(" ");
  const cases: [line: string, problem: RegExp][] = [
    ["", /is not a public key/],
    [`# ${PUBLIC_KEY}`, /is not a public key/],
    [type, /is not a public key/],
    [`${type} ${encoded.slice(0, -8)}`, /is cut off or damaged/],
    [`ssh-rsa ${encoded}`, /is cut off or damaged/],
    ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", /is a private key/],
  ];
  for (const [line, problem] of cases) assert.match(sshPublicKeyProblem(line) ?? "", problem, line);
});

test("old forms of the envelope become today's", () => {
  assert.deepEqual(withoutLegacyForms({ cloudProvider: "packet", cloudProviderSpec: { apiKey: "k", a: 1 } }), {
    cloudProvider: "equinixmetal",
    cloudProviderSpec: { token: "k", a: 1 },
  });
  const vcd = (cloudProviderSpec: object) => ({ cloudProvider: "vmware-cloud-director", cloudProviderSpec });
  assert.deepEqual(withoutLegacyForms(vcd({ network: "a", networks: ["b", "a", "b"] })), vcd({ networks: ["a", "b"] }));
  assert.deepEqual(withoutLegacyForms(vcd({ vapp: "x" })), vcd({ vapp: "x" }));
  assert.deepEqual(withoutLegacyForms({ cloudProvider: "constructor" }), { cloudProvider: "constructor" });
});

test("a kubelet is not newer than its API server and at most some minors older", () => {
  const refusal = (kubelet: string, serverVersion?: string) => kubeletSkewRule(kubelet, { minors: 3, serverVersion });
  for (const kubelet of ["1.36.9", "v1.33.0", "1.33", "1.34.0-rc.1"])
    assert.equal(refusal(kubelet, "v1.36.2"), undefined);
  assert.match(refusal("1.37.0", "v1.36.2") ?? "", /newer than the API server \(v1\.36\.2\)/);
  assert.match(refusal("1.32.9", "v1.36.2+k3s1") ?? "", /more than 3 minor versions older/);
  assert.match(refusal("0.99.0", "v1.2.0") ?? "", /older/);
  for (const unknown of [undefined, "", "unknown"]) assert.equal(refusal("1.99.0", unknown), undefined);
  assert.equal(refusal("latest", "v1.36.2"), undefined);
});
