import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, type RequestListener, createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { coreResources } from "./core-resources.ts";
import { KubeError, isKubeError } from "./kube-error.ts";
import { connectKubeconfig } from "./kubeconfig.ts";

const { nodes } = coreResources;
const { signal } = new AbortController();

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type Entries = { server: string; user?: object; cluster?: object };

function writeKubeconfig(t: TestContext, { server, user = {}, cluster = {} }: Entries): string {
  const folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "config");
  const config = {
    clusters: [{ name: "c", cluster: { server, ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "main", context: { cluster: "c", user: "u" } }],
    "current-context": "main",
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

function bearerOf(request: IncomingMessage): string | undefined {
  return request.headers.authorization;
}

test("a token in the kubeconfig authenticates; one replaced there is picked up when the old one is refused", async (t) => {
  let accepted = "Bearer one";
  const server = await serve(t, (request, response) => {
    response.statusCode = bearerOf(request) === accepted ? 200 : 401;
    response.end(JSON.stringify({ metadata: { name: "n" } }));
  });
  const path = writeKubeconfig(t, { server, user: { token: "one" } });
  let now = 0;
  const clock = { now: () => now, sleep: () => new Promise<void>(() => {}) };
  const { client, close } = await connectKubeconfig({ kubeconfig: path, clock });
  t.after(close);
  await client.get(nodes, { name: "n" }, { signal });

  accepted = "Bearer two";
  writeFileSync(path, readFileSync(path, "utf8").replace('"one"', '"two"'));
  now += 20_000;
  const body = { metadata: { labels: { a: "b" } } };
  await client.patch(nodes, { name: "n" }, { type: "merge", body }, { signal });

  accepted = "Bearer three";
  await assert.rejects(client.get(nodes, { name: "n" }, { signal }), (error) => isKubeError(error, "Unauthorized"));
});

test("an exec plugin is run with KUBERNETES_EXEC_INFO and its credential sent; its failure quotes nothing", async (t) => {
  const server = await serve(t, (request, response) => response.end(JSON.stringify({ bearer: bearerOf(request) })));
  const plugin = (script: string): object => ({
    exec: { apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, args: ["-e", script] },
  });
  const good = `console.log(JSON.stringify({ status: { token: JSON.parse(process.env.KUBERNETES_EXEC_INFO).kind } }))`;
  const { client, close } = await connectKubeconfig({ kubeconfig: writeKubeconfig(t, { server, user: plugin(good) }) });
  t.after(close);
  assert.deepEqual(await client.get(nodes, { name: "n" }, { signal }), { bearer: "Bearer ExecCredential" });

  const bad = await connectKubeconfig({
    kubeconfig: writeKubeconfig(t, { server, user: plugin(`console.log("s3cret")`) }),
  });
  t.after(bad.close);
  await assert.rejects(bad.client.get(nodes, { name: "n" }, { signal }), (error) => {
    assert.ok(isKubeError(error, "Unauthorized"));
    assert.doesNotMatch(inspect(error), /s3cret/);
    return true;
  });
});

test("user name and password, impersonation and another master are honoured", async (t) => {
  const server = await serve(t, (request, response) =>
    response.end(
      JSON.stringify([bearerOf(request), request.headers["impersonate-user"], request.headers["user-agent"]]),
    ),
  );
  const user = { username: "me", password: "pw", as: "other" };
  const kubeconfig = writeKubeconfig(t, { server: "http://127.0.0.1:1", user });
  const { client, close } = await connectKubeconfig({ kubeconfig, master: server, userAgent: "tester" });
  t.after(close);
  const basic = `Basic ${Buffer.from("me:pw").toString("base64")}`;
  assert.deepEqual(await client.get(nodes, { name: "n" }, { signal }), [basic, "other", "tester"]);
});

test("watches do not starve requests, stream event by event, and end when the connection is closed", async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url?.includes("watch=true")) {
      response.write('{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1"}}}\n');
    } else {
      response.end("{}");
    }
  });
  const { client, close } = await connectKubeconfig({ kubeconfig: writeKubeconfig(t, { server }) });
  const watches = Array.from({ length: 40 }, () => client.watch(nodes, { signal })[Symbol.asyncIterator]());
  for (const watch of watches) assert.equal((await watch.next()).value?.type, "BOOKMARK");
  await Promise.all(Array.from({ length: 40 }, () => client.get(nodes, { name: "n" }, { signal })));
  const ends = watches.map((watch) => assert.rejects(watch.next(), (error) => isKubeError(error, "Unreachable")));
  await close();
  await Promise.all(ends);
});

test("the proxy of the cluster carries the requests", async (t) => {
  const server = await serve(t, (_, response) => response.end("{}"));
  const asked: (string | undefined)[] = [];
  const proxy = createServer((request, response) => {
    asked.push(request.url);
    response.end("{}");
  });
  proxy.on("connect", (request, socket) => {
    asked.push(request.url);
    const { hostname, port } = new URL(`http://${request.url}`);
    const upstream = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const kubeconfig = writeKubeconfig(t, { server, cluster: { "proxy-url": proxyUrl } });
  const { client, close } = await connectKubeconfig({ kubeconfig });
  t.after(close);
  await client.get(nodes, { name: "n" }, { signal });
  assert.equal(asked.length, 1);
});

test("a missing file, an unknown context and a broken file are told apart from a server that fails", async (t) => {
  const invalid = (pattern: RegExp) => (error: unknown) => {
    assert.ok(error instanceof KubeError && error.code === "InvalidKubeconfig");
    assert.match(error.message, pattern);
    assert.doesNotMatch(inspect(error), /s3cret/);
    return true;
  };
  await assert.rejects(connectKubeconfig({ kubeconfig: "/nowhere/config" }), invalid(/\/nowhere\/config/));
  const path = writeKubeconfig(t, { server: "http://127.0.0.1:1" });
  await assert.rejects(connectKubeconfig({ kubeconfig: path, context: "other" }), invalid(/other.*main/));
  writeFileSync(path, "users: [{ token: s3cret }: }");
  await assert.rejects(connectKubeconfig({ kubeconfig: path }), invalid(/config/));
});
