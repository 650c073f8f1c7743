// `node test/behaviour/compare.ts`: the behaviour suite on both bodies, a real etcd + kube-apiserver and the embedded server,
// each served over TLS. Prints how many cases pass on each; exits with 1 where the real one fails a case, or the embedded one
// a case that is not known to differ.
import { randomFillSync } from "node:crypto";
import { createControlPlane, serveControlPlane } from "@machine-controller/control-plane";
import { BEHAVIOURS, bindCases, type Body, KNOWN_DIFFERENCES } from "@machine-controller/control-plane/behaviour";
import { systemClock } from "@machine-controller/kube-client";
import { startRealControlPlane } from "../peers/real-control-plane.ts";
import { httpsBody } from "./https-body.ts";

const AT_ONCE = 8;

const onReal = await compareReal();
const onEmbedded = await compareEmbedded();
const unknown = onEmbedded.filter((name) => !KNOWN_DIFFERENCES.has(name));
for (const name of KNOWN_DIFFERENCES) if (!onEmbedded.includes(name)) console.log(`no longer differs: ${name}`);
for (const name of unknown) console.log(`not known to differ: ${name}`);
process.exit(onReal.length + unknown.length === 0 ? 0 : 1);

async function compareReal(): Promise<string[]> {
  const real = await startRealControlPlane();
  if ("skipped" in real) {
    console.log(`a real control plane: skipped, ${real.skipped}`);
    return [];
  }
  const body = httpsBody(real);
  try {
    return await failing(body, "a real control plane");
  } finally {
    body.close();
    await real.stop();
  }
}

async function compareEmbedded(): Promise<string[]> {
  const random = { bytes: (length: number) => randomFillSync(new Uint8Array(length)) };
  const controlPlane = await createControlPlane({ database: ":memory:", clock: systemClock, random });
  const stop = new AbortController();
  const running = controlPlane.run(stop.signal);
  const served = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
  const { caCertificatePem, adminToken } = controlPlane;
  const body = httpsBody({ server: served.url, caCertificatePem, adminToken });
  try {
    return await failing(body, "the embedded control plane");
  } finally {
    body.close();
    stop.abort();
    await running;
    await served.close();
    controlPlane.close();
  }
}

/** Names of the cases that fail on this body, each said with its reason unless it is known to differ. */
async function failing(body: Body, what: string): Promise<string[]> {
  const waiting = bindCases(BEHAVIOURS, body, "r");
  const count = waiting.length;
  const failed: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const name = `${next.topic}: ${next.name}`;
      await next.run().catch((error: unknown) => {
        failed.push(name);
        if (!KNOWN_DIFFERENCES.has(name)) console.log(`${what}: ${name}: ${String(error)}`);
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  console.log(`${what}: ${count - failed.length} of ${count} cases pass`);
  return failed;
}
