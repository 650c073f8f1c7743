import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { connect } from "node:tls";
import { test } from "node:test";
import { serveControlPlane } from "../index.ts";
import { turn } from "../behaviour/clock.ts";
import { createWorld } from "../behaviour/test-world.ts";
import type { World } from "../behaviour/test-world.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const map = (name: string, size = 0) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data: { text: "x".repeat(size) },
});

async function robotToken(world: World): Promise<string> {
  const accounts = "/api/v1/namespaces/default/serviceaccounts";
  await world.call("POST", accounts, { body: { metadata: { name: "robot" } } });
  const { body } = await world.call("POST", `${accounts}/robot/token`, { body: { spec: {} } });
  return (body["status"] as { token: string }).token;
}

/** A request at work until `finish` sends its body. */
function stalled(world: World, token: string) {
  const { promise, resolve } = Promise.withResolvers<string>();
  async function* body() {
    yield Buffer.from(await promise);
  }
  const headers = new Headers({ authorization: `Bearer ${token}`, "content-type": "application/json" });
  const url = "http://cluster/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const signal = new AbortController().signal;
  const answer = world.controlPlane.handle({ method: "POST", url, headers, signal, body: body() });
  const review = { spec: { resourceAttributes: { verb: "get", resource: "pods", namespace: "default" } } };
  return { answer, finish: () => resolve(JSON.stringify(review)) };
}

test("above the limit of requests at work others are asked to come again, administrators and watches are not", async (t) => {
  const world = await createWorld(t, { inFlightLimits: { mutating: 1, readOnly: 1 } });
  const token = await robotToken(world);
  const first = stalled(world, token);
  await turn();
  const second = await stalled(world, token).answer;
  const { reason } = (await second.json()) as { reason: string };
  assert.deepEqual([second.status, second.headers.get("retry-after"), reason], [429, "1", "TooManyRequests"]);
  assert.equal((await world.call("GET", "/version", { token })).code, 200, "reads have a limit of their own");
  assert.equal((await world.call("POST", MAPS, { body: map("a") })).code, 201, "administrators get in");
  first.finish();
  assert.equal((await first.answer).status, 201);
  const third = stalled(world, token);
  third.finish();
  assert.equal((await third.answer).status, 201, "who has left makes room");
});

test("a request that is no watch is answered within a minute", async (t) => {
  const world = await createWorld(t);
  const { answer } = stalled(world, world.controlPlane.adminToken);
  await turn();
  await world.advance(59_000);
  assert.equal(await Promise.race([answer, turn()]), undefined);
  await world.advance(2_000);
  const response = await answer;
  assert.equal(response.status, 504);
  assert.equal(((await response.json()) as { reason: string }).reason, "Timeout");
});

test("objects have the size limit of etcd, requests a larger one", async (t) => {
  const { call } = await createWorld(t);
  assert.equal((await call("POST", MAPS, { body: map("fits", 1_000_000) })).code, 201);
  const object = await call("POST", MAPS, { body: map("big", 1_600_000) });
  assert.deepEqual([object.code, object.body["message"]], [500, "etcdserver: request is too large"]);
  const sent = await call("POST", MAPS, { body: map("huge", 3_200_000) });
  assert.deepEqual([sent.code, sent.body["reason"]], [413, "RequestEntityTooLarge"]);
});

test("health is told as a whole, in detail, and check by check", async (t) => {
  const { call } = await createWorld(t);
  const text = async (path: string) => {
    const { code, body } = await call("GET", path);
    return [code, body["content"]];
  };
  assert.deepEqual(await text("/healthz"), [200, "ok"]);
  assert.deepEqual(await text("/readyz/etcd"), [200, "ok"]);
  assert.deepEqual(await text("/livez?verbose"), [200, "[+]ping ok\n[+]log ok\n[+]etcd ok\nlivez check passed\n"]);
  assert.match(
    String((await text("/readyz?verbose&exclude=etcd"))[1]),
    /\[\+\]etcd excluded: ok[^]*readyz check passed/,
  );
  assert.equal((await call("GET", "/livez/no-such-check")).code, 404);
});

test("metrics count requests by verb, resource and code, and what is stored", async (t) => {
  const { call } = await createWorld(t);
  for (const name of ["a", "b", "b"]) await call("POST", MAPS, { body: map(name) });
  await call("GET", `${MAPS}/c`);
  const { code, body } = await call("GET", "/metrics");
  assert.equal(code, 200);
  const text = String(body["content"]);
  const valueOf = (line: RegExp): number => Number(line.exec(text)?.[1]);
  const posts =
    'apiserver_request_total\\{verb="POST",[^}]*resource="configmaps",[^}]*scope="resource|namespace",[^}]*';
  assert.equal(valueOf(new RegExp(`${posts}code="201"\\} (\\d+)`)), 2);
  assert.equal(valueOf(new RegExp(`${posts}code="409"\\} (\\d+)`)), 1);
  assert.equal(valueOf(/apiserver_storage_objects\{resource="configmaps"\} (\d+)/), 2);
  assert.equal(valueOf(/apiserver_current_inflight_requests\{request_kind="readOnly"\} (\d+)/), 1);
  assert.ok(valueOf(/apiserver_storage_size_bytes (\d+)/) > 0);
  assert.match(text, /apiserver_request_duration_seconds_count\{verb="GET"[^}]*resource="configmaps"[^}]*\} 1/);
  assert.equal((await call("GET", "/metrics", { token: null })).code, 403);
});

test("what is no HTTP request gets a Status, and the connection ends", async (t) => {
  const { controlPlane } = await createWorld(t);
  const served = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
  t.after(() => served.close());
  const answerTo = async (bytes: string): Promise<string> => {
    const socket = connect({ host: "127.0.0.1", port: served.port, ca: controlPlane.caCertificatePem });
    socket.end(bytes);
    let text = "";
    socket.setEncoding("utf8").on("data", (part: string) => (text += part));
    await once(socket, "close");
    return text;
  };
  const limit = 1024 * 1024;
  assert.match(await answerTo("\u0000\u0001\r\n\r\n"), /^HTTP\/1.1 400 [^]*"kind":"Status"/);
  assert.match(await answerTo(`GET /${"a".repeat(limit)} HTTP/1.1\r\n\r\n`), /^HTTP\/1.1 431 [^]*"code":431/);
  assert.match(
    await answerTo("GET * HTTP/1.1\r\nhost: :::\r\nconnection: close\r\n\r\n"),
    /^HTTP\/1.1 400 [^]*"kind":"Status"/,
  );
});

test("closing lets requests at work have their answer and takes no new ones", async (t) => {
  const { controlPlane } = await createWorld(t);
  const served = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
  const asked = request(`${served.url}${MAPS}`, {
    method: "POST",
    ca: controlPlane.caCertificatePem,
    headers: { authorization: `Bearer ${controlPlane.adminToken}`, "content-type": "application/json" },
    agent: false,
  });
  const response = once(asked, "response") as Promise<[IncomingMessage]>;
  asked.flushHeaders();
  await once(asked, "socket").then(([socket]: NodeJS.EventEmitter[]) =>
    once(socket as NodeJS.EventEmitter, "secureConnect"),
  );
  asked.write("{");
  while (
    (
      await controlPlane
        .handle(
          new Request("http://cluster/metrics", { headers: { authorization: `Bearer ${controlPlane.adminToken}` } }),
        )
        .then((metrics) => metrics.text())
    ).includes('request_kind="mutating"} 0')
  )
    await turn();
  const closed = served.close();
  await assert.rejects(
    once(connect({ host: "127.0.0.1", port: served.port, ca: controlPlane.caCertificatePem }), "secureConnect"),
  );
  asked.end(JSON.stringify(map("late")).slice(1));
  const [answer] = await response;
  assert.equal(answer.statusCode, 201);
  answer.resume();
  await closed;
});
