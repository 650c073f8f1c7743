// `npm run bench`: the embedded API server beside etcd + kube-apiserver, in one run on one machine. Ratios are what counts;
// the load comes from this process, on the same cores.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectKubeconfig } from "@machine-controller/kube-client";
import { startRealControlPlane } from "../test/peers/real-control-plane.ts";
import { measureWrites, type WriteRates } from "./writes.ts";

const WRITERS = [1, 8, 32];

const embedded = await measureEmbedded();
const real = await measureReal();

console.log("\nwrites/s: create, 3 patches and delete of a Machine-sized object, durable");
console.log("writers   embedded        real   ratio");
for (const writers of WRITERS) {
  const ours = embedded.rates.get(writers) ?? 0;
  const theirs = "skipped" in real ? undefined : real.rates.get(writers);
  const ratio = theirs === undefined ? "–" : `${(ours / theirs).toFixed(2)} ×`;
  console.log(
    [
      String(writers).padStart(7),
      ours.toFixed(0).padStart(10),
      (theirs?.toFixed(0) ?? "–").padStart(11),
      ratio.padStart(7),
    ].join(" "),
  );
}
console.log(`memory   ${embedded.rssMiB.toFixed(0)} MiB embedded`);
if ("skipped" in real) console.log(`no real control plane to compare with: ${real.skipped}`);

async function measureEmbedded(): Promise<{ rates: WriteRates; rssMiB: number }> {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const server = spawn(process.execPath, [...process.execArgv, "test/clients/serve-control-plane.ts", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = (await once(server.stdout, "data")) as [Buffer];
    const { client, close } = await connectKubeconfig({ kubeconfig: line.toString().trim() });
    const rates = await measureWrites(client, WRITERS);
    await close();
    return { rates, rssMiB: rssOf(server.pid ?? 0) };
  } finally {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureReal(): Promise<{ rates: WriteRates } | { skipped: string }> {
  const peer = await startRealControlPlane();
  if ("skipped" in peer) return peer;
  try {
    const { client, close } = await connectKubeconfig({ kubeconfig: peer.kubeconfigPath });
    const rates = await measureWrites(client, WRITERS);
    await close();
    return { rates };
  } finally {
    await peer.stop();
  }
}

function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}
