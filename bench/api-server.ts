/** The embedded API server beside etcd + kube-apiserver. The load comes from this process, on the same cores. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectKubeconfig } from "@machine-controller/kube-client";
import { startRealControlPlane } from "../test/peers/real-control-plane.ts";
import { type Bench, type Figure, figure } from "./bench.ts";
import { usageOf } from "./process-usage.ts";
import { measureWrites, type WriteRates } from "./writes.ts";

const WRITERS = [1, 8, 32];

export const apiServer: Bench = {
  name: "api-server",
  about: "writes/s of the embedded API server (create, 3 patches, delete; durable), as ratios of kube-apiserver's",
  async run() {
    const embedded = await measureEmbedded();
    const real = await measureReal();
    return [
      ...WRITERS.map((writers) => compare(writers, embedded.rates, "skipped" in real ? undefined : real.rates)),
      figure("memory, embedded", embedded.rssMiB, { unit: "MiB" }),
      ...("skipped" in real ? [{ what: "no peer to compare with", measured: real.skipped }] : []),
    ];
  },
};

function compare(writers: number, ours: WriteRates, theirs: WriteRates | undefined): Figure {
  const rate = ours.get(writers) ?? 0;
  const peer = theirs?.get(writers);
  const versus = peer === undefined ? "" : ` : ${peer.toFixed(0)} = ${(rate / peer).toFixed(2)} ×`;
  return { what: `writes/s, ${writers} writers`, measured: `${rate.toFixed(0)}${versus}` };
}

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
    return { rates, rssMiB: usageOf(server.pid ?? 0).rssMiB };
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
