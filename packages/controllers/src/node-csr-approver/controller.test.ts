// The approver against the embedded API server: requests come with a node's certificate, and are signed once approved.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test, type TestContext } from "node:test";
import { customResourceDefinitions, type Machine } from "@machine-controller/api";
import { createControlPlane, type ControlPlane } from "@machine-controller/control-plane";
import {
  type CertificateSigningRequest,
  coreResources,
  createKubeClient,
  inProcess,
  type KubeClient,
  KubeError,
  type Node,
  type Transport,
  withBearerToken,
} from "@machine-controller/kube-client";
import { createInformer, createManualClock, runManager } from "@machine-controller/kube-runtime";
import type { Log } from "../log.ts";
import { MACHINE_INDEXES } from "../machine/controller.ts";
import { NODE_INDEXES } from "../machine/node-match.ts";
import { machines } from "../resources.ts";
import { CSR_FIELD_SELECTOR, CSR_INDEXES, createNodeCsrApprover } from "./controller.ts";
import { createRequestPem, csrOf } from "./serving-request.fixture.ts";

const { certificateSigningRequests: csrs, nodes } = coreResources;
const { signal } = new AbortController();
const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";

type World = {
  controlPlane: ControlPlane;
  admin: KubeClient;
  /** A client with the certificate of a node. */
  kubelet(name: string): Promise<KubeClient>;
  /** What the approver sent, but for lists and watches. */
  sent: string[];
  /** What it said, and why. */
  said: string[];
  until(isTrue: () => Promise<boolean> | boolean): Promise<void>;
};

async function createWorld(t: TestContext, overrides: Partial<KubeClient> = {}): Promise<World> {
  const clock = createManualClock(Date.UTC(2030, 0, 1));
  let byte = 0;
  const random = { bytes: (n: number) => Uint8Array.from({ length: n }, () => (byte += 7) % 256) };
  const controlPlane = await createControlPlane({ database: ":memory:", clock, random });
  const connect = (transport: Transport): KubeClient =>
    createKubeClient({ baseUrl: "http://control-plane.test", transport, clock });
  const asAdmin = withBearerToken(
    inProcess((request) => controlPlane.handle(request)),
    controlPlane.adminToken,
  );
  const admin = connect(asAdmin);
  const world: World = {
    controlPlane,
    admin,
    sent: [],
    said: [],
    async kubelet(name) {
      const pem = await createRequestPem({ subject: `O=system:nodes, CN=system:node:${name}`, names: [] });
      const spec = { signerName: CLIENT_SIGNER, usages: ["digital signature", "client auth"] };
      await admin.create(csrs, { ...csrOf(pem, spec), metadata: { name: `client-${name}` } }, { signal });
      const peerCertificatePem = await certificateOf(world, `client-${name}`);
      return connect(inProcess((request) => controlPlane.handle(request, { peerCertificatePem })));
    },
    async until(isTrue) {
      for (let turn = 0; turn < 300; turn += 1) {
        if (await isTrue()) return;
        await clock.advance(10);
      }
      assert.fail(`it never came about; ${world.said.join("; ")}`);
    },
  };
  const stop = new AbortController();
  const running = [controlPlane.run(stop.signal)];
  for (const definition of customResourceDefinitions) {
    await admin.create(coreResources.customResourceDefinitions, structuredClone(definition), { signal });
  }
  const client: KubeClient = {
    ...connect((request) => {
      if (request.method !== "GET") world.sent.push(`${request.method} ${new URL(request.url).pathname}`);
      return asAdmin(request);
    }),
    ...overrides,
  };
  const shared = { client, clock };
  const informers = {
    csrs: createInformer<CertificateSigningRequest>({
      ...shared,
      resource: csrs,
      fieldSelector: CSR_FIELD_SELECTOR,
      indexes: CSR_INDEXES,
    }),
    machines: createInformer({ ...shared, resource: machines, indexes: MACHINE_INDEXES }),
    nodes: createInformer({ ...shared, resource: nodes, indexes: NODE_INDEXES }),
  };
  const log: Log = (_level, message): void => void world.said.push(message);
  const approver = createNodeCsrApprover({ ...shared, log, name: "", concurrency: 1, informers });
  running.push(
    runManager({ informers: Object.values(informers), controllers: [approver], clock, signal: stop.signal }),
  );
  t.after(async () => {
    stop.abort();
    await clock.advance(0);
    await Promise.allSettled(running);
    controlPlane.close();
  });
  await Promise.race([Promise.all(Object.values(informers).map(({ synced }) => synced)), world.until(() => false)]);
  return world;
}

async function certificateOf(world: World, name: string): Promise<string> {
  let certificate = "";
  await world.until(async () => {
    const { status } = await world.admin.get(csrs, { name }, { signal });
    certificate = Buffer.from(status?.certificate ?? "", "base64").toString();
    return certificate !== "";
  });
  return certificate;
}

async function postServingRequest(kubelet: KubeClient): Promise<void> {
  const { username: _username, groups: _groups, ...spec } = csrOf(await createRequestPem()).spec;
  await kubelet.create(csrs, { ...csrOf(""), spec }, { signal });
}

const nodeNamed = (name: string): Node => ({ apiVersion: "v1", kind: "Node", metadata: { name } });
const MACHINE: Machine = {
  apiVersion: "cluster.k8s.io/v1alpha1",
  kind: "Machine",
  metadata: { name: "node-1", namespace: "kube-system" },
  spec: {
    providerSpec: { value: { cloudProvider: "fake", cloudProviderSpec: {}, operatingSystem: "ubuntu" } },
    versions: { kubelet: "1.36.2" },
  },
};

/** The Machine learns of its Node and of its addresses, as the Machine controller writes it. */
async function referToNode({ admin }: World, machine: Machine, node: Node): Promise<void> {
  const { name = "", uid = "" } = node.metadata;
  const labels = { "machine-controller/owned-by": machine.metadata.uid };
  await admin.patch(nodes, { name }, { type: "merge", body: { metadata: { labels } } }, { signal });
  const addresses = ["10.0.0.2", "2001:db8::1"].map((address) => ({ type: "InternalIP", address }));
  const ref = { namespace: "kube-system", name: machine.metadata.name ?? "" };
  await admin.patch(
    machines,
    ref,
    { type: "merge", body: { status: { nodeRef: { name, uid }, addresses } } },
    { signal },
  );
}

test("a kubelet that asks before its Machine knows it gets its certificate once it does, for one write", async (t) => {
  const world = await createWorld(t);
  const machine = await world.admin.create(machines, MACHINE, { signal });
  const kubelet = await world.kubelet("node-1");
  await postServingRequest(kubelet);
  await world.until(() => world.said.includes("wait: Node node-1 does not exist"));
  const node = await kubelet.create(nodes, nodeNamed("node-1"), { signal });
  await world.until(() => world.said.includes("wait: Node node-1 does not carry its Machine's label yet"));
  assert.deepEqual(world.sent, []);
  await referToNode(world, machine, node);

  const certificate = new X509Certificate(await certificateOf(world, "csr-1"));
  assert.ok(certificate.verify(new X509Certificate(world.controlPlane.caCertificatePem).publicKey));
  assert.match(certificate.subjectAltName ?? "", /^DNS:node-1, IP Address:10\.0\.0\.2, IP Address:2001:DB8/);
  const { status } = await world.admin.get(csrs, { name: "csr-1" }, { signal });
  assert.partialDeepStrictEqual(status?.conditions, [
    {
      type: "Approved",
      status: "True",
      reason: "machine-controller NodeCSRApprover controller approved node serving cert",
    },
  ]);
  assert.deepEqual(world.sent, ["PUT /apis/certificates.k8s.io/v1/certificatesigningrequests/csr-1/approval"]);
});

test("the request of a node without a Machine is looked at once and left alone", async (t) => {
  const world = await createWorld(t);
  const kubelet = await world.kubelet("node-1");
  await kubelet.create(nodes, nodeNamed("node-1"), { signal });
  await postServingRequest(kubelet);
  await world.until(() => world.said.length > 0);
  // Its heartbeats start nothing.
  const status = { conditions: [{ type: "Ready", status: "True" }] };
  await kubelet.patch(
    nodes,
    { name: "node-1" },
    { type: "merge", body: { status } },
    { subresource: "status", signal },
  );
  let turns = 0;
  await world.until(() => (turns += 1) > 100);
  assert.deepEqual(world.said, ["ignore: Node node-1 has no Machine"]);
  assert.deepEqual(world.sent, []);
});

test("an approval that met a conflict is tried again", async (t) => {
  let attempts = 0;
  const world = await createWorld(t, {
    update(_resource, object) {
      attempts += 1;
      return attempts === 1 ? Promise.reject(new KubeError("Conflict", "it has changed")) : Promise.resolve(object);
    },
  });
  const machine = await world.admin.create(machines, MACHINE, { signal });
  const kubelet = await world.kubelet("node-1");
  await referToNode(world, machine, await kubelet.create(nodes, nodeNamed("node-1"), { signal }));
  await postServingRequest(kubelet);
  await world.until(() => attempts === 2);
});
