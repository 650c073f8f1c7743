import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { serveControlPlane } from "../index.ts";
import { createWorld, installWidgets, widget, WIDGETS } from "./test-world.ts";
import type { World } from "./test-world.ts";

type Kubeconfig = {
  clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
  users: { user: { "client-certificate-data": string; "client-key-data": string } }[];
};

async function open(world: World, url: string, path: string): Promise<IncomingMessage> {
  const config = parse(await world.controlPlane.kubeconfig({ server: url })) as Kubeconfig;
  const decode = (text = ""): Buffer => Buffer.from(text, "base64");
  const user = config.users[0]?.user;
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, {
      ca: decode(config.clusters[0]?.cluster["certificate-authority-data"]),
      cert: decode(user?.["client-certificate-data"]),
      key: decode(user?.["client-key-data"]),
      agent: false,
    });
    asked.on("response", resolve).on("error", reject).end();
  });
}

test("the kubeconfig's certificate opens the served API, and closing ends its watches", async (t) => {
  const world = await createWorld(t);
  const served = await serveControlPlane(world.controlPlane, { host: "127.0.0.1", port: 0 });
  const response = await open(world, served.url, "/apis/authentication.k8s.io/v1");
  assert.equal(response.statusCode, 200);
  response.resume();
  const watch = await open(world, served.url, "/api/v1/namespaces?watch=1");
  const first = await new Promise((resolve) => watch.once("data", resolve));
  assert.match(String(first), /^\{"type":"ADDED"/);
  const ended = new Promise((resolve) => watch.once("close", resolve));
  watch.on("error", () => {});
  await served.close();
  await ended;
});

test("closing waits for no client that watches again on the connection it has", async (t) => {
  const world = await createWorld(t);
  const served = await serveControlPlane(world.controlPlane, { host: "127.0.0.1", port: 0, graceMs: 60_000 });
  const { adminToken, caCertificatePem: ca } = world.controlPlane;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
  t.after(() => agent.destroy());
  const headers = { authorization: `Bearer ${adminToken}` };
  const watching = new Promise<void>((resolve, reject) => {
    const watch = (): void => {
      const asked = request(`${served.url}/api/v1/namespaces?watch=1`, { agent, headers });
      asked.on("response", (answer) => answer.once("data", resolve).on("end", watch)).on("error", reject);
      asked.end();
    };
    watch();
  });
  await watching;
  await served.close();
});

test("closing waits for no client that never says what it wants", async (t) => {
  const world = await createWorld(t);
  const served = await serveControlPlane(world.controlPlane, { host: "127.0.0.1", port: 0, graceMs: 100 });
  const silent = connect(served.port, "127.0.0.1").on("error", () => undefined);
  await once(silent, "connect");
  const ended = once(silent, "close");
  await served.close();
  await ended;
});

test("cluster-info is for everyone to read and names server and CA", async (t) => {
  const world = await createWorld(t);
  await world.controlPlane.setEndpoint("https://10.0.0.1:6443");
  await world.controlPlane.setEndpoint("https://10.0.0.2:6443");
  const { code, body } = await world.call("GET", "/api/v1/namespaces/kube-public/configmaps/cluster-info", {
    token: null,
  });
  assert.equal(code, 200);
  const config = parse((body["data"] as { kubeconfig: string }).kubeconfig) as Kubeconfig;
  assert.equal(config.clusters[0]?.cluster.server, "https://10.0.0.2:6443");
  const ca = Buffer.from(config.clusters[0]?.cluster["certificate-authority-data"] ?? "", "base64").toString();
  assert.equal(ca, world.controlPlane.caCertificatePem);
  const slice = await world.call("GET", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
  assert.deepEqual(slice.body["endpoints"], [{ addresses: ["10.0.0.2"], conditions: { ready: true } }]);
});

test("a control plane opened again is the same one", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "control-plane-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const database = join(folder, "state.db");
  const first = await createWorld(t, { database });
  await installWidgets(first);
  const { body: created } = await first.call("POST", WIDGETS, { body: widget("a") });
  const { adminToken, caCertificatePem } = first.controlPlane;
  first.controlPlane.close();
  const second = await createWorld(t, { database });
  assert.deepEqual(
    [second.controlPlane.adminToken, second.controlPlane.caCertificatePem],
    [adminToken, caCertificatePem],
  );
  assert.deepEqual((await second.call("GET", `${WIDGETS}/a`)).body, created);
});
