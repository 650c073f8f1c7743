// Every case of the behaviour suite against the embedded server and the real control plane, both over TLS.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createControlPlane, serveControlPlane } from "@machine-controller/control-plane";
import { BEHAVIOURS, bindCases } from "@machine-controller/control-plane/behaviour";
import { startRealControlPlane } from "../peers/real-control-plane.ts";
import { httpsBody, type HttpsBodyOptions } from "./https-body.ts";

const CONCURRENCY = 12;

test("the embedded and the real control plane behave alike", async (t) => {
  const bodies = { real: await startReal(t), embedded: await serveEmbedded(t) };
  const failures = new Map<string, Map<string, unknown>>();
  for (const [name, options] of Object.entries(bodies)) {
    const { ran, failed } = await runAll(options);
    failures.set(name, failed);
    t.diagnostic(`${name}: ${ran} cases, ${failed.size} failed`);
    for (const [title, error] of failed) t.diagnostic(`${name}: ${title}: ${String(error)}`);
  }
  for (const [name, failed] of failures) assert.deepEqual([...failed.keys()], [], `cases that fail on the ${name} one`);
});

async function runAll(options: HttpsBodyOptions): Promise<{ ran: number; failed: Map<string, unknown> }> {
  const body = httpsBody(options);
  const cases = bindCases(BEHAVIOURS, body, "p1");
  const failed = new Map<string, unknown>();
  const waiting = cases.values();
  const work = async (): Promise<void> => {
    for (const { topic, name, run } of waiting) {
      await run().catch((error: unknown) => failed.set(`${topic}: ${name}`, error));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  body.close();
  return { ran: cases.length, failed };
}

async function startReal(t: TestContext): Promise<HttpsBodyOptions> {
  const real = await startRealControlPlane();
  if ("skipped" in real) throw new Error(real.skipped);
  t.after(() => real.stop());
  return real;
}

async function serveEmbedded(t: TestContext): Promise<HttpsBodyOptions> {
  const controlPlane = await createControlPlane({
    database: ":memory:",
    clock: { now: Date.now, sleep: (ms, { signal }) => sleep(ms, undefined, { signal }) },
    random: { bytes: (length) => randomBytes(length) },
  });
  const stop = new AbortController();
  const running = controlPlane.run(stop.signal);
  const served = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
  t.after(async () => {
    await served.close();
    stop.abort();
    await running;
    controlPlane.close();
  });
  const { adminToken, caCertificatePem } = controlPlane;
  return { server: served.url, adminToken, caCertificatePem };
}
