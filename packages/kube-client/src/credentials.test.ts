// What is read here, beside what the official client makes of the same file.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { loadCredentials } from "./credentials.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const clock = { now: () => 0, sleep: async () => undefined };

const USERS: Record<string, object> = {
  nobody: {},
  "a token": { token: "t0ken" },
  "a password": { username: "user", password: "pass:word" },
  "a certificate": { "client-certificate-data": base64("cert"), "client-key-data": base64("key") },
  "files of a certificate": { "client-certificate": "cert", "client-key": "key" },
  "somebody else": { token: "t0ken", as: "robot" },
};
const CLUSTERS: Record<string, object> = {
  "a server": {},
  "an authority": { "certificate-authority-data": base64("ca") },
  "an authority in a file": { "certificate-authority": "ca" },
  "no checks": { "insecure-skip-tls-verify": true },
  "another name": { "tls-server-name": "kubernetes" },
};

for (const [clusterName, cluster] of Object.entries(CLUSTERS)) {
  test(`${clusterName}: each kind of user is sent as the official client would`, async (t) => {
    for (const [userName, user] of Object.entries(USERS)) {
      const kubeconfig = writeKubeconfig(t, { cluster, user });
      const official = new KubeConfig();
      official.loadFromFile(kubeconfig);
      const options: RequestOptions = {};
      await official.applyToHTTPSOptions(options);
      const credentials = loadCredentials({ kubeconfig, clock });
      const { headers, tls } = await credentials.current();
      assert.equal(credentials.server, official.getCurrentCluster()?.server);
      assert.deepEqual(textsOf(tls), textsOf(options), userName);
      assert.deepEqual(headers, headersOf(options), userName);
    }
  });
}

test("as for kubectl, and unlike for the official client: data goes before files, a token file before a token", async (t) => {
  const files = { "client-certificate": "cert", "client-key": "key", tokenFile: "token" };
  const data = { "client-certificate-data": base64("data"), "client-key-data": base64("data"), token: "t0ken" };
  const kubeconfig = writeKubeconfig(t, { cluster: {}, user: { ...files, ...data } });
  const { headers, tls } = await loadCredentials({ kubeconfig, clock }).current();
  assert.deepEqual(textsOf(tls), { cert: "data", key: "data" });
  assert.deepEqual(headers, { authorization: "Bearer token of a file" });
});

function writeKubeconfig(t: TestContext, { cluster, user }: { cluster: object; user: object }): string {
  const folder = mkdtempSync(join(tmpdir(), "credentials-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["token", "cert", "key", "ca"]) writeFileSync(join(folder, name), `${name} of a file`);
  const named = <T>(kind: string, value: T) => [{ name: "it", [kind]: value }];
  const content = {
    clusters: named("cluster", { server: "https://here:6443/", ...cluster }),
    users: named("user", user),
    contexts: named("context", { cluster: "it", user: "it" }),
    "current-context": "it",
  };
  const path = join(folder, "kubeconfig");
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const TLS_FIELDS = ["ca", "cert", "key", "rejectUnauthorized", "servername"] as const;

function textsOf(options: Pick<RequestOptions, (typeof TLS_FIELDS)[number]>): Record<string, unknown> {
  const set = TLS_FIELDS.filter((field) => options[field] !== undefined && options[field] !== null);
  return Object.fromEntries(set.map((field) => [field, textOf(options[field])]));
}

const textOf = (value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString() : value);

function headersOf({ headers = {}, auth }: RequestOptions): Record<string, string> {
  const sent = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return Object.fromEntries([...sent, ...(auth ? [["authorization", `Basic ${base64(auth)}`]] : [])]);
}
