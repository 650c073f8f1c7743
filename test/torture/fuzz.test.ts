// Malformed requests over TLS, from a seeded generator: each gets a Status or an object, and the server lives on in bounded
// memory. `TORTURE_REQUESTS=20000 TORTURE_SEED=2` for more and others.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as httpsRequest, Agent } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { startEmbeddedProcess } from "../clients/embedded-process.ts";

const REQUESTS = Number(process.env["TORTURE_REQUESTS"] ?? 600);
const SEED = Number(process.env["TORTURE_SEED"] ?? 1);
const PARALLEL = 8;
const TIMEOUT_MS = 10_000;
const MAX_GROWTH_MIB = 150;

const PATHS = [
  "/api/v1/namespaces/default/configmaps",
  "/api/v1/namespaces/default/configmaps/a",
  "/api/v1/namespaces/default/pods/a/eviction",
  "/api/v1/namespaces/default/serviceaccounts/default/token",
  "/api/v1/nodes/a/status",
  "/api/v1/namespaces/default/finalize",
  "/apis/apps/v1/namespaces/default/deployments/a/scale",
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  "/apis/authorization.k8s.io/v1/subjectaccessreviews",
  "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  "/apis/certificates.k8s.io/v1/certificatesigningrequests/a/approval",
  "/apis/coordination.k8s.io/v1/namespaces/default/leases",
  "/openapi/v3/api/v1",
  "/openapi/v2",
  "/apis",
  "/%",
  "/api/v1/%2e%2e/%00",
  "//api//v1",
  `/api/v1/namespaces/${"x".repeat(5_000)}`,
];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"];
const TYPES = [
  "application/json",
  "application/yaml",
  "application/merge-patch+json",
  "application/json-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
  "application/apply-patch+cbor",
  "application/vnd.kubernetes.protobuf",
  "text/plain; charset=nonsense",
  ";;;",
];
const ACCEPTS = [
  "application/json",
  "application/vnd.kubernetes.protobuf",
  "application/json;as=Table;g=meta.k8s.io;v=v1",
  "image/png",
  ",;q=x",
  "*/*",
];
const VALUES = [
  "",
  "0",
  "-1",
  "99999999999999999999",
  "true",
  "a=b",
  "a in (b",
  "!a,,",
  "metadata.name=a",
  "=",
  "a!==b",
  "All",
  "\u0000",
  "x".repeat(3_000),
  "eyJ2Ijoib29wcyJ9",
  "NaN",
];
const PARAMETERS = [
  "labelSelector",
  "fieldSelector",
  "limit",
  "continue",
  "resourceVersion",
  "resourceVersionMatch",
  "dryRun",
  "fieldManager",
  "fieldValidation",
  "force",
  "timeoutSeconds",
  "sendInitialEvents",
  "propagationPolicy",
  "gracePeriodSeconds",
  "pretty",
];
const KEYS = [
  "metadata",
  "spec",
  "status",
  "name",
  "labels",
  "annotations",
  "finalizers",
  "ownerReferences",
  "managedFields",
  "resourceVersion",
  "uid",
  "creationTimestamp",
  "kind",
  "apiVersion",
  "data",
  "$patch",
  "$setElementOrder/a",
  "op",
  "path",
  "value",
  "__proto__",
  "constructor",
  "rules",
  "versions",
  "schema",
  "openAPIV3Schema",
  "names",
];
const BODIES = [
  "",
  "{",
  "[]",
  "null",
  '"text"',
  "1e999",
  "{}",
  "[".repeat(20_000),
  '{"a":'.repeat(5_000),
  "a: &a [*a, *a]\n",
  "\uFEFF{}",
  "k8s\0\u0001\u0002",
  "---\n---\n",
  "&a [*a]",
  "x".repeat(100_000),
];

test(`${REQUESTS} malformed requests leave the server as it was`, async (t) => {
  const server = await startEmbeddedProcess();
  t.after(() => server.stop());
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromFile(server.kubeconfigPath);
  const cluster = kubeconfig.getCurrentCluster();
  const user = kubeconfig.getCurrentUser();
  assert.ok(cluster && user);
  const credentials = {
    ca: Buffer.from(cluster.caData ?? "", "base64"),
    ...(user.certData && {
      cert: Buffer.from(user.certData, "base64"),
      key: Buffer.from(user.keyData ?? "", "base64"),
    }),
  };
  const agent = new Agent({ ...credentials, keepAlive: true, maxSockets: PARALLEL });
  t.after(() => agent.destroy());
  const headers = user.token ? { authorization: `Bearer ${user.token}` } : {};

  const send = (attack: Attack): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const request = httpsRequest(new URL(cluster.server), {
        agent,
        path: attack.path,
        method: attack.method,
        // Node frames the body of a DELETE or OPTIONS only if it is told how long that is.
        headers: { ...headers, ...attack.headers, "content-length": Buffer.byteLength(attack.body ?? "") },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        response.on("error", reject);
      });
      request.on("error", reject);
      request.end(attack.body);
    });

  const random = createRandom(SEED);
  const problems: unknown[] = [];
  const seen = new Map<number, number>();
  let rssBefore = 0;
  for (let sent = 0; sent < REQUESTS; sent += PARALLEL) {
    if (sent >= REQUESTS / 3 && rssBefore === 0) rssBefore = rssMiB(server.pid);
    const attacks = Array.from({ length: PARALLEL }, () => createAttack(random));
    for (const attack of attacks) for (const part of Object.values(attack.headers)) assert.ok(!/[\r\n]/.test(part));
    await Promise.all(
      attacks.map(async (attack) => {
        try {
          const { status, body } = await send(attack);
          seen.set(status, (seen.get(status) ?? 0) + 1);
          if (status >= 500 && status !== 504)
            problems.push({ attack: shorten(attack), status, body: body.slice(0, 300) });
          else if (status >= 400 && attack.method !== "HEAD" && !isStatus(body)) {
            problems.push({ attack: shorten(attack), status, notAStatus: body.slice(0, 300) });
          }
        } catch (error) {
          problems.push({ attack: shorten(attack), error: String(error) });
        }
      }),
    );
  }
  t.diagnostic(`answers: ${JSON.stringify(Object.fromEntries(seen))}`);
  const failures = server
    .log()
    .split("\n")
    .filter((line) => line.includes('"level":"error"'));
  assert.deepEqual({ problems: problems.slice(0, 5), failures: failures.slice(0, 3) }, { problems: [], failures: [] });

  for (const bytes of [
    "\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    `GET /${"a".repeat(100_000)} HTTP/1.1\r\n\r\n`,
    "POST /api HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    "\u0000\u0001\u0002\r\n\r\n",
  ]) {
    await sendBytes(cluster.server, { bytes, ca: credentials.ca });
  }
  const { status } = await send({ method: "GET", path: "/readyz", headers: {} });
  assert.equal(status, 200);
  const growth = rssMiB(server.pid) - rssBefore;
  t.diagnostic(`grew by ${growth.toFixed(0)} MiB after the first third`);
  assert.ok(growth < MAX_GROWTH_MIB, `${growth} MiB`);
});

type Random = { below(limit: number): number; pick<T>(from: readonly T[]): T };
type Attack = { method: string; path: string; headers: Record<string, string>; body?: string };

function createAttack(random: Random): Attack {
  const query = new URLSearchParams();
  for (let count = random.below(3); count > 0; count--) query.set(random.pick(PARAMETERS), random.pick(VALUES));
  const method = random.pick(METHODS);
  const path = random.pick(PATHS) + (random.below(6) === 0 ? `/${random.pick(KEYS)}` : "");
  const headers: Record<string, string> = { "content-type": random.pick(TYPES), accept: random.pick(ACCEPTS) };
  if (random.below(10) === 0)
    headers["authorization"] = random.pick(["Bearer", "Bearer x.y.z", "Basic eA==", "Bearer abcdef.0123456789abcdef"]);
  if (random.below(20) === 0) headers["content-encoding"] = "gzip";
  if (random.below(20) === 0) headers["impersonate-user"] = random.pick(["", "nobody", "system:admin"]);
  const body = random.below(3) === 0 ? random.pick(BODIES) : JSON.stringify(createValue(random, 4));
  return {
    method,
    path: `${path}?${query.toString()}`,
    headers,
    ...(method !== "GET" && method !== "HEAD" && { body }),
  };
}

function createValue(random: Random, depth: number): unknown {
  const kind = random.below(depth > 0 ? 7 : 4);
  if (kind === 0) return random.pick(VALUES);
  if (kind === 1) return random.below(2 ** 31) - 2 ** 30;
  if (kind === 2) return random.pick([true, false, null]);
  if (kind === 3)
    return random.pick(["v1", "ConfigMap", "Pod", "default", "a", "replace", "/metadata", "1970-01-01T00:00:00Z"]);
  if (kind === 4) return Array.from({ length: random.below(4) }, () => createValue(random, depth - 1));
  const entries = Array.from({ length: random.below(5) }, () => [random.pick(KEYS), createValue(random, depth - 1)]);
  return Object.fromEntries(entries);
}

/** Deterministic (mulberry32), so that a failure comes back with its seed. */
function createRandom(seed: number): Random {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return { below, pick: (from) => from[below(from.length)] as (typeof from)[number] };
}

function isStatus(body: string): boolean {
  try {
    return (JSON.parse(body) as { kind?: string }).kind === "Status";
  } catch {
    return false;
  }
}

function shorten({ method, path, headers, body }: Attack): unknown {
  return { method, path: path.slice(0, 150), headers, body: body?.slice(0, 200) };
}

function rssMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

/** Resolves once the server has closed the connection. */
async function sendBytes(server: string, { bytes, ca }: { bytes: string; ca: Buffer }): Promise<void> {
  const { hostname, port } = new URL(server);
  const socket: TLSSocket = connect({ host: hostname, port: Number(port), ca });
  await new Promise<void>((resolve, reject) => {
    socket.setTimeout(TIMEOUT_MS, () => {
      socket.destroy();
      reject(new Error(`the server kept a connection open after ${JSON.stringify(bytes.slice(0, 40))}`));
    });
    socket.once("close", () => resolve());
    socket.once("error", () => resolve());
    socket.once("secureConnect", () => socket.end(bytes));
    socket.resume();
  });
}
