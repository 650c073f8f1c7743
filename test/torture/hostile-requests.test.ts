// Thousands of malformed requests to a control plane in this process: each gets a Status or what it asked for, and memory
// stays bounded. `TORTURE_REQUESTS=50000 TORTURE_SEED=2` for more and others.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createControlPlane } from "@machine-controller/control-plane";
import {
  createHostileRequest,
  createRandom,
  describeRequest,
  PREPARATIONS,
  problemOf,
  type HostileRequest,
} from "./hostile-requests.ts";

const REQUESTS = Number(process.env["TORTURE_REQUESTS"] ?? 8_000);
const SEED = Number(process.env["TORTURE_SEED"] ?? 1);
const PATIENCE_MS = 10_000;
const MAX_GROWTH_MIB = 150;

test(`${REQUESTS} malformed requests get a Status or what they ask for`, async (t) => {
  const failures: unknown[] = [];
  const controlPlane = await createControlPlane({
    database: ":memory:",
    clock: { now: Date.now, sleep: (ms, { signal }) => sleep(ms, undefined, { signal }) },
    random: { bytes: (length) => randomBytes(length) },
    log: (line) => line.level === "error" && failures.push(line),
  });
  const stop = new AbortController();
  const running = controlPlane.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
    controlPlane.close();
  });
  const send = async ({ method, path, headers, body }: HostileRequest): Promise<{ status: number; text: string }> => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await controlPlane.handle({
      method,
      url: `https://localhost${path}`,
      headers: new Headers({ authorization: `Bearer ${controlPlane.adminToken}`, ...headers }),
      signal,
      body: body === undefined ? null : chunks(body),
    });
    const text = await response.text();
    assert.ok(!signal.aborted, `no answer within ${PATIENCE_MS} ms`);
    return { status: response.status, text };
  };
  const prepare = async (accepts: readonly number[]): Promise<void> => {
    for (const { path, document } of PREPARATIONS) {
      const body = Buffer.from(JSON.stringify(document));
      const headers = { "content-type": "application/json" };
      const { status, text } = await send({ method: "POST", path, headers, body });
      assert.ok(accepts.includes(status), `${path}: ${text}`);
    }
  };
  await prepare([201, 409]);

  const random = createRandom(SEED);
  const problems: unknown[] = [];
  const seen = new Map<number, number>();
  let before = 0;
  for (let sent = 0; sent < REQUESTS; sent += 1) {
    if (sent === Math.floor(REQUESTS / 3)) before = process.memoryUsage().rss;
    // What was deleted comes back, so that the next ones have something to work on.
    if (sent % 100 === 99) await prepare([201, 409, 403, 404]);
    const request = createHostileRequest(random);
    const { status, text } = await send(request).catch((error: unknown) => ({ status: 0, text: String(error) }));
    seen.set(status, (seen.get(status) ?? 0) + 1);
    const problem = problemOf(request, { status, text });
    if (problem !== undefined)
      problems.push({ problem, request: describeRequest(request), status, text: text.slice(0, 300) });
  }
  t.diagnostic(`answers: ${JSON.stringify(Object.fromEntries([...seen].sort(([a], [b]) => a - b)))}`);
  const polluted = Object.keys(Object.prototype);
  assert.deepEqual(
    { problems: problems.slice(0, 5), failures: failures.slice(0, 3), polluted },
    { problems: [], failures: [], polluted: [] },
  );
  assert.ok((seen.get(200) ?? 0) > REQUESTS / 20 && (seen.get(422) ?? 0) > REQUESTS / 50, "some get far in");
  const growth = (process.memoryUsage().rss - before) / 1024 / 1024;
  t.diagnostic(`grew by ${growth.toFixed(0)} MiB after the first third`);
  assert.ok(growth < MAX_GROWTH_MIB, `${growth} MiB`);
});

async function* chunks(body: Uint8Array): AsyncGenerator<Uint8Array> {
  const middle = Math.floor(body.length / 2);
  if (middle > 0) yield body.subarray(0, middle);
  yield body.subarray(middle);
}
