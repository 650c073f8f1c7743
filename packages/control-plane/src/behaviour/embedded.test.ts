import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createControlPlane } from "../control-plane.ts";
import type { ControlPlane } from "../control-plane.ts";
import { BEHAVIOURS, bindCases, inProcessBody } from "./suite.ts";
import type { Body } from "./suite.ts";

/** Cases run at once, so that those which wait do not add up. */
const CONCURRENCY = 16;

describe("the embedded control plane in process", { concurrency: CONCURRENCY }, () => {
  const stop = new AbortController();
  let controlPlane: ControlPlane;
  let running: Promise<void>;
  let inProcess: Body;
  const body: Body = {
    get adminToken() {
      return inProcess.adminToken;
    },
    send: (request) => inProcess.send(request),
  };

  before(async () => {
    controlPlane = await createControlPlane({
      database: ":memory:",
      clock: { now: Date.now, sleep: (ms, { signal }) => sleep(ms, undefined, { signal }) },
      random: { bytes: (length) => randomBytes(length) },
    });
    inProcess = inProcessBody(controlPlane);
    running = controlPlane.run(stop.signal);
  });
  after(async () => {
    stop.abort();
    await running;
    controlPlane.close();
  });

  for (const { topic, name, run } of bindCases(BEHAVIOURS, body, "e1")) test(`${topic}: ${name}`, run);
});
