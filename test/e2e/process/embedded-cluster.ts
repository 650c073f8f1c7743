// An embedded control plane on a port, as a cluster for a controller in a process of its own.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { customResourceDefinitions } from "@machine-controller/api";
import { createControlPlane, serveControlPlane } from "@machine-controller/control-plane";
import {
  coreResources,
  createKubeClient,
  inProcess,
  type KubeClient,
  withBearerToken,
} from "@machine-controller/kube-client";
import { systemClock } from "@machine-controller/kube-runtime";
import { systemRandom } from "../../../apps/machine-controller/src/environment.ts";

export type EmbeddedCluster = {
  client: KubeClient;
  url: string;
  folder: string;
  /** Of an administrator. */
  kubeconfig: string;
  /** Writes a kubeconfig for a bearer token. */
  kubeconfigOf(token: string): string;
  stop(): Promise<void>;
};

/** Stopped after the test, or by the caller. */
export async function startEmbeddedCluster(t?: TestContext): Promise<EmbeddedCluster> {
  const folder = mkdtempSync(join(tmpdir(), "process-test-"));
  const controlPlane = await createControlPlane({ database: ":memory:", clock: systemClock, random: systemRandom });
  const stopping = new AbortController();
  const running = controlPlane.run(stopping.signal);
  const served = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
  await controlPlane.setEndpoint(served.url);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      stopping.abort();
      await running;
      // Ends the watches of whoever goes on asking, so that the port can close.
      controlPlane.close();
      await served.close();
      rmSync(folder, { recursive: true, force: true });
    })());
  t?.after(stop);
  const client = createKubeClient({
    baseUrl: served.url,
    transport: withBearerToken(
      inProcess((request) => controlPlane.handle(request)),
      controlPlane.adminToken,
    ),
  });
  const { signal } = stopping;
  for (const definition of customResourceDefinitions) {
    await client.create(coreResources.customResourceDefinitions, definition, {
      signal,
    });
  }
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, await controlPlane.kubeconfig({ server: served.url }), { mode: 0o600 });
  return {
    client,
    url: served.url,
    folder,
    kubeconfig,
    kubeconfigOf(token) {
      const path = join(folder, `kubeconfig-${Buffer.from(token).toString("hex").slice(-8)}`);
      const cluster = {
        server: served.url,
        "certificate-authority-data": Buffer.from(controlPlane.caCertificatePem).toString("base64"),
      };
      const config = {
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name: "c", cluster }],
        users: [{ name: "u", user: { token } }],
        contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
        "current-context": "x",
      };
      writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
      return path;
    },
    stop,
  };
}
