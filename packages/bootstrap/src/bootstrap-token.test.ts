import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { BOOTSTRAP_GROUP } from "@machine-controller/api/well-known";
import { parseAllDocuments } from "yaml";
import {
  bootstrapTokenSecret,
  isTokenOf,
  TOKEN_LIFETIME_MS,
  TOKEN_SECRET_BYTES,
  tokenIdFor,
  tokenOf,
  tokenRenewal,
  tokenSecretFrom,
} from "./bootstrap-token.ts";
import { machineFixture } from "./user-data-request.fixture.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const secretOf = (expiresAtMs = NOW) =>
  bootstrapTokenSecret({ machine: machineFixture(), tokenId: "bcdfgh", tokenSecret: "2456789bcdfghjkl", expiresAtMs });
const plain = (text = "") => Buffer.from(text, "base64").toString();

test("the ID of a Machine's token stays the same and differs from another Machine's and another attempt's", () => {
  assert.equal(tokenIdFor("uid-1", 0), tokenIdFor("uid-1", 0));
  const ids = Array.from({ length: 200 }, (_, index) => tokenIdFor(`uid-${index % 100}`, Math.floor(index / 100)));
  assert.equal(new Set(ids).size, 200);
  for (const id of ids) assert.match(id, /^[bcdfghjklmnpqrstvwxz2456789]{6}$/);
});

test("a token secret has 16 characters, and every character is as likely as any other", () => {
  const counts = new Map<string, number>();
  let seed = 1;
  for (let round = 0; round < 5_000; round += 1) {
    const bytes = Uint8Array.from({ length: TOKEN_SECRET_BYTES }, () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed >>> 24;
    });
    const secret = tokenSecretFrom(bytes);
    assert.match(secret, /^[bcdfghjklmnpqrstvwxz2456789]{16}$/);
    for (const character of secret) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  assert.equal(counts.size, 27);
  const expected = (5_000 * 16) / 27;
  for (const [character, count] of counts)
    assert.ok(Math.abs(count - expected) < expected * 0.1, `${character}: ${count}`);
});

test("a token secret is never made of too little randomness", () => {
  assert.throws(() => tokenSecretFrom(new Uint8Array(TOKEN_SECRET_BYTES - 1)), RangeError);
});

test("the Secret is one that kube-apiserver accepts as a bootstrap token", () => {
  const secret = secretOf();
  assert.equal(secret.type, "bootstrap.kubernetes.io/token");
  assert.deepEqual(secret.metadata, {
    name: "bootstrap-token-bcdfgh",
    namespace: "kube-system",
    labels: { "machine.k8s.io/machine.name": "workers-7d9f4c-x2k4q" },
  });
  assert.deepEqual(Object.fromEntries(Object.entries(secret.data).map(([key, value]) => [key, plain(value)])), {
    description: "bootstrap token for Machine kube-system/workers-7d9f4c-x2k4q (3f6c1f6e-5b0f-4a59-9d6c-0f2a1c3b5d7e)",
    "token-id": "bcdfgh",
    "token-secret": "2456789bcdfghjkl",
    expiration: "2026-03-01T12:00:00Z",
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": "system:bootstrappers:machine-controller:default-node-token",
  });
});

test("a Secret of the same name made for another Machine is told apart", () => {
  const other = machineFixture();
  other.metadata.uid = "another";
  assert.equal(isTokenOf(secretOf().data, machineFixture()), true);
  assert.equal(isTokenOf(secretOf().data, other), false);
});

test("the token is read back from its Secret", () => {
  assert.equal(tokenOf(secretOf().data), "bcdfgh.2456789bcdfghjkl");
});

test("an incomplete Secret is an error that does not show what it holds", () => {
  const { "token-id": _, ...data } = secretOf().data;
  assert.throws(() => tokenOf(data), { code: "InvalidTokenSecret", message: /^(?!.*2456789bcdfghjkl)/ });
});

test("a token is renewed for an hour once less than half an hour is left, or none is known", () => {
  const halfAnHour = TOKEN_LIFETIME_MS / 2;
  assert.equal(tokenRenewal(secretOf(NOW + halfAnHour).data, NOW), undefined);
  const renewal = tokenRenewal(secretOf(NOW + halfAnHour - 1_000).data, NOW);
  assert.equal(plain(renewal?.expiration), "2026-03-01T13:00:00Z");
  assert.equal(plain(tokenRenewal({}, NOW)?.expiration), "2026-03-01T13:00:00Z");
});

test("the manifest in deploy/ lets the tokens' group ask for client certificates", () => {
  const manifest = readFileSync(new URL("../../../deploy/node-bootstrap-rbac.yaml", import.meta.url), "utf8");
  const bindings = parseAllDocuments(manifest).map((document) => document.toJS() as RoleBinding);
  const rolesOf = (group: string) =>
    bindings
      .filter(({ subjects = [] }) => subjects.some(({ name }) => name === group))
      .map(({ roleRef }) => roleRef?.name);
  const requests = "system:certificates.k8s.io:certificatesigningrequests";
  assert.deepEqual(rolesOf(BOOTSTRAP_GROUP), ["system:node-bootstrapper", `${requests}:nodeclient`]);
  assert.deepEqual(rolesOf("system:nodes"), [`${requests}:selfnodeclient`]);
});

type RoleBinding = { subjects?: { name: string }[]; roleRef?: { name: string } };
