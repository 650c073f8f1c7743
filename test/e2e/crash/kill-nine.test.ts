// The whole laptop is killed with SIGKILL at random moments while a MachineDeployment scales 0 → 20 → 5 → 0, on a cloud that
// loses replies after their effect, is slow, and fails: without these the moments that matter are too short to be hit.
// CRASH_TEST_KILLS sets how often (4); CRASH_TEST_SEED replays the moments.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { machineDeployments, machines } from "@machine-controller/controllers";
import { connectKubeconfig, coreResources, type KubeClient } from "@machine-controller/kube-client";

const KILLS = Number(process.env["CRASH_TEST_KILLS"] ?? 4);
const SEED = Number(process.env["CRASH_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const MOST = 20;
const FEW = 5;
type Server = { id: number; labels: Record<string, string> };
const REF = { namespace: "kube-system", name: "hetzner-workers" };

/** What goes wrong with the cloud all the while. */
const FAULTS = [
  { on: "POST /v1/servers", probability: 0.3, action: { drop: "reply" } },
  { on: "POST /v1/servers", probability: 0.3, action: { delayMs: 300 } },
  { on: "DELETE /v1/servers/*", probability: 0.2, action: { drop: "reply" } },
  { on: "GET /v1/servers*", probability: 0.1, action: { status: 503 } },
  { on: "* /v1/*", probability: 0.03, action: { status: 500 } },
];

const folder = mkdtempSync(join(tmpdir(), "kill-nine-"));
const manifest = join(folder, "manifest.yaml");
writeFileSync(
  manifest,
  readFileSync("examples/hetzner-machinedeployment.yaml", "utf8").replace("replicas: 3", "replicas: 0"),
);
const port = await freePortPair();
const random = mulberry32(SEED);
let running: ChildProcess | undefined;

after(() => {
  running?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test(
  `no server is made twice or left over after ${KILLS} kills (seed ${SEED})`,
  { timeout: 60_000 + KILLS * 8_000 },
  async () => {
    await start();
    const { client, close } = await connectKubeconfig({ kubeconfig: join(folder, "kubeconfig") });
    const signal = AbortSignal.timeout(60_000 + KILLS * 8_000);
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        await scale(client, kill < KILLS / 2 ? MOST : FEW, signal);
        await sleep(random() * 2_500);
        running?.kill("SIGKILL");
        if (running !== undefined) await once(running, "exit");
        await start();
        await assertOneServerEach();
      }
      await scale(client, FEW, signal);
      await until("all Machines are Ready", async () => {
        const nodes = await client.listAll(coreResources.nodes, { signal });
        const ready = nodes.items.filter(({ status }) =>
          status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
        );
        return (
          ready.length === FEW && (await countMachines(client, signal)) === FEW && (await servers()).length === FEW
        );
      });
      await assertOneServerEach();
      await scale(client, 0, signal);
      await until("nothing is left", async () => {
        const nodes = await client.listAll(coreResources.nodes, { signal });
        return (
          (await countMachines(client, signal)) === 0 && (await servers()).length === 0 && nodes.items.length === 0
        );
      });
    } finally {
      await close();
    }
  },
);

async function start(): Promise<void> {
  const program = ["--disable-warning=ExperimentalWarning", "apps/machine-controller/src/main.ts", "up"];
  // Applying again would scale back to the manifest's replicas.
  const first = existsSync(join(folder, "kubeconfig")) ? ["--no-demo"] : ["--apply", manifest];
  const args = [...program, "--state-dir", folder, "--port", String(port), ...first];
  running = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  await until("the API server answers", async () => {
    assert.equal(running?.exitCode, null, "the process ended by itself");
    const response = await fetch(`http://127.0.0.1:${port + 1}/_simulator/faults`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(FAULTS),
    });
    return response.ok && existsSync(join(folder, "kubeconfig"));
  });
}

async function scale(client: KubeClient, replicas: number, signal: AbortSignal): Promise<void> {
  await until(`scaled to ${replicas}`, async () => {
    await client.patch(machineDeployments, REF, { type: "merge", body: { spec: { replicas } } }, { signal });
    return true;
  });
}

const countMachines = async (client: KubeClient, signal: AbortSignal): Promise<number> =>
  (await client.listAll(machines, { signal })).items.length;

/** Every server there is; tried again while faults strike this reader too. */
async function servers(): Promise<Server[]> {
  let found: Server[] = [];
  await until("the cloud lists its servers", async () => {
    found = await listServers();
    return true;
  });
  return found;
}

async function listServers(): Promise<Server[]> {
  const found: Server[] = [];
  for (let page: number | null = 1; page !== null;) {
    const response = await fetch(`http://127.0.0.1:${port + 1}/v1/servers?per_page=50&page=${page}`, {
      headers: { authorization: "Bearer simulated-token" },
    });
    assert.equal(response.status, 200);
    const body = (await response.json()) as {
      servers: Server[];
      meta: { pagination: { next_page: number | null } };
    };
    found.push(...body.servers);
    page = body.meta.pagination.next_page;
  }
  return found;
}

async function assertOneServerEach(): Promise<void> {
  const uids = (await servers()).map(({ labels }) => labels["machine-uid"]);
  assert.equal(new Set(uids).size, uids.length, `two servers for one Machine: ${uids.join(" ")}`);
}

/** Tries until it is true, failures of the connection included. */
async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  let last: unknown;
  for (const deadline = Date.now() + 75_000; Date.now() < deadline; await sleep(100)) {
    try {
      if (await isTrue()) return;
    } catch (error) {
      if (error instanceof assert.AssertionError && error.message.includes("by itself")) throw error;
      last = error;
    }
  }
  throw new Error(`still not so: ${what}`, { cause: last });
}

/** Two free ports in a row, below the range that outgoing connections are given. */
async function freePortPair(): Promise<number> {
  for (let candidate = 21_000 + (process.pid % 5_000) * 2; ; candidate += 2) {
    if ((await isFree(candidate)) && (await isFree(candidate + 1))) return candidate;
  }
}

async function isFree(candidate: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(candidate, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
