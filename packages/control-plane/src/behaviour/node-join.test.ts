import "reflect-metadata";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import type { JsonObject } from "../object.ts";
import { createWorld } from "./test-world.ts";
import type { World } from "./test-world.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

async function postRequest(
  world: World,
  options: { name?: string; subject: string; signerName?: string; usages?: string[]; token: string },
) {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const csr = await Pkcs10CertificateRequestGenerator.create({
    name: options.subject,
    keys,
    signingAlgorithm: ALGORITHM,
  });
  return world.call("POST", CSRS, {
    token: options.token,
    body: {
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { name: options.name ?? "csr-1" },
      spec: {
        request: Buffer.from(csr.toString("pem")).toString("base64"),
        signerName: options.signerName ?? "kubernetes.io/kube-apiserver-client-kubelet",
        usages: options.usages ?? ["digital signature", "client auth"],
        expirationSeconds: 3600,
      },
    },
  });
}

async function bootstrapToken(world: World): Promise<string> {
  await world.call("POST", "/api/v1/namespaces/kube-system/secrets", {
    body: {
      apiVersion: "v1",
      kind: "Secret",
      type: "bootstrap.kubernetes.io/token",
      metadata: { name: "bootstrap-token-abcdef" },
      stringData: {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
      },
    },
  });
  return "abcdef.0123456789abcdef";
}

async function join(world: World, nodeName: string): Promise<string> {
  const token = await bootstrapToken(world);
  const { body } = await postRequest(world, { subject: `O=system:nodes, CN=system:node:${nodeName}`, token });
  assert.equal((body["spec"] as JsonObject)["username"], "system:bootstrap:abcdef");
  let certificate = "";
  await world.until(`${CSRS}/csr-1`, (csr) => {
    const issued = (csr?.["status"] as JsonObject | undefined)?.["certificate"];
    certificate = typeof issued === "string" ? Buffer.from(issued, "base64").toString() : "";
    return certificate !== "";
  });
  return certificate;
}

test("a kubelet turns its bootstrap token into a certificate and is held to its own node", async (t) => {
  const world = await createWorld(t);
  world.run();
  const certificate = await join(world, "n1");
  const parsed = new X509Certificate(certificate);
  assert.ok(parsed.verify(new X509Certificate(world.controlPlane.caCertificatePem).publicKey));
  assert.equal(new Date(parsed.validTo).toISOString(), "2026-01-31T09:00:00.000Z");
  const asNode = (method: string, path: string, body?: unknown) =>
    world.call(method, path, { token: null, certificate, ...(body === undefined ? {} : { body }) });
  const node = (name: string) => ({ apiVersion: "v1", kind: "Node", metadata: { name } });
  assert.equal((await asNode("POST", "/api/v1/nodes", node("n1"))).code, 201);
  assert.equal((await asNode("POST", "/api/v1/nodes", node("n2"))).code, 403);
  assert.equal((await asNode("GET", "/api/v1/nodes/n1")).code, 200);
  await world.call("POST", "/api/v1/nodes", { body: node("n2") });
  assert.equal((await asNode("GET", "/api/v1/nodes/n2")).code, 403);
  assert.equal((await asNode("GET", "/api/v1/secrets")).code, 403);
  const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "n1" } };
  assert.equal(
    (await asNode("POST", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", lease)).code,
    201,
  );
  await world.advance(3_700_000);
  assert.equal((await asNode("GET", "/api/v1/nodes/n1")).code, 401);
});

test("a request for more than a node's identity is not approved", async (t) => {
  const world = await createWorld(t);
  world.run();
  const token = await bootstrapToken(world);
  await postRequest(world, { name: "greedy", subject: "O=system:masters, CN=system:node:n1", token });
  await postRequest(world, { name: "no-node", subject: "O=system:nodes, CN=jane", token });
  await postRequest(world, {
    name: "server",
    subject: "O=system:nodes, CN=system:node:n1",
    usages: ["server auth"],
    token,
  });
  await postRequest(world, { subject: "O=system:nodes, CN=system:node:n1", token });
  // Requests are looked at in order: once the last one is settled, so are the others.
  await world.until(`${CSRS}/csr-1`, (csr) => Object.keys(csr?.["status"] ?? {}).length > 0);
  for (const name of ["greedy", "no-node", "server"]) {
    assert.deepEqual((await world.call("GET", `${CSRS}/${name}`)).body["status"], {}, name);
  }
});

test("what a person approves is signed", async (t) => {
  const world = await createWorld(t);
  world.run();
  const subject = "O=team, CN=jane";
  const signerName = "kubernetes.io/kube-apiserver-client";
  const { body } = await postRequest(world, {
    subject,
    signerName,
    usages: ["client auth"],
    token: world.controlPlane.adminToken,
  });
  await world.call("PUT", `${CSRS}/csr-1/approval`, {
    body: {
      ...body,
      status: { conditions: [{ type: "Approved", status: "True", reason: "Looked", message: "fine" }] },
    },
  });
  await world.until(
    `${CSRS}/csr-1`,
    (csr) => (csr?.["status"] as JsonObject | undefined)?.["certificate"] !== undefined,
  );
});
