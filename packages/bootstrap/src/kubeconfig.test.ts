import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { bootstrapKubeconfig, parseClusterInfo } from "./kubeconfig.ts";
import { CA_PEM, TOKEN } from "./user-data-request.fixture.ts";

const server = "https://k8s.example.com:6443";
const caData = Buffer.from(CA_PEM).toString("base64");
const info = (clusters: unknown) => stringify({ apiVersion: "v1", kind: "Config", clusters });

for (const token of [TOKEN, "245678.2456789245678924"]) {
  test(`the bootstrap kubeconfig pins the CA and authenticates with the token, as ${token}`, () => {
    assert.deepEqual(parse(bootstrapKubeconfig({ server, caCertificatePem: CA_PEM, token })), {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { "certificate-authority-data": caData, server } }],
      users: [{ name: "c", user: { token } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
      "current-context": "c",
    });
  });
}

test("cluster-info gives the API server and its CA", () => {
  const cluster = { server, "certificate-authority-data": caData };
  assert.deepEqual(parseClusterInfo(info([{ name: "", cluster }])), { server, caCertificatePem: CA_PEM });
});

const broken: Record<string, [string, RegExp]> = {
  "that is not YAML": ["{", /is not YAML/],
  "that is empty": ["", /exactly one cluster, not none/],
  "without a cluster": [info([]), /exactly one cluster, not 0/],
  "with two clusters": [info([{ cluster: { server } }, { cluster: { server } }]), /exactly one cluster, not 2/],
  "with an empty entry": [info([null]), /clusters\[0\]\.cluster\.server/],
  "without a server": [info([{ cluster: { "certificate-authority-data": caData } }]), /clusters\[0\]\.cluster\.server/],
  "without a CA": [info([{ cluster: { server } }]), /certificate-authority-data/],
  "with a CA that is no PEM": [info([{ cluster: { server, "certificate-authority-data": "eHl6" } }]), /PEM/],
};
for (const [what, [text, message]] of Object.entries(broken)) {
  test(`a cluster-info ${what} is an error that says so`, () => {
    assert.throws(() => parseClusterInfo(text), { code: "InvalidClusterInfo", message });
  });
}
