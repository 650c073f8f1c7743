// An API server for a suite or a bench, of either kind, with everything applied that the controller needs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { customResourceDefinitions } from "@machine-controller/api";
import { connectKubeconfig } from "@machine-controller/kube-client";
import { applyManifests, readManifests } from "../../apps/machine-controller/src/up/apply-manifests.ts";
import { DEFAULT_CONTROLLERS, type RealControlPlane, startRealControlPlane } from "../peers/real-control-plane.ts";

/** etcd and kube-apiserver, which take Go to build, or the embedded one, in a process of its own too. */
export type ApiServerKind = "real" | "embedded";

export type ApiServer = {
  readonly kubeconfig: string;
  /** Of the embedded one undefined: it keeps no audit log, and none of its processes can be stopped alone. */
  readonly real: RealControlPlane | undefined;
};

const ROOT = join(import.meta.dirname, "../..");

export type ApiServerOptions = {
  stack: AsyncDisposableStack;
  signal: AbortSignal;
  unsafeNoFsync?: boolean;
  /** Nothing of Kubernetes writes to Nodes: nobody sends their heartbeats. The embedded one then has no controllers. */
  leavesNodesAlone?: boolean;
};

/**
 * Stopped by the stack.
 * @throws where the real one cannot be built.
 */
export async function openApiServer(kind: ApiServerKind, options: ApiServerOptions): Promise<ApiServer> {
  const { signal } = options;
  const server = kind === "real" ? await openReal(options) : await openEmbedded(options);
  const { client, close } = await connectKubeconfig({ kubeconfig: server.kubeconfig });
  const manifests = readManifests(join(ROOT, "deploy/node-bootstrap-rbac.yaml"));
  await applyManifests(client, [...customResourceDefinitions, ...manifests], { signal }).finally(() => void close());
  return server;
}

async function openReal({ stack, unsafeNoFsync = false, leavesNodesAlone }: ApiServerOptions): Promise<ApiServer> {
  // That one patches every Node whenever the cluster passes another 100, 500 or 1,000 of them.
  const controllers = [...DEFAULT_CONTROLLERS, ...(leavesNodesAlone ? ["-ttl-controller"] : [])];
  const real = await startRealControlPlane({ auditLog: true, unsafeNoFsync, controllers });
  if ("skipped" in real) throw new Error(real.skipped);
  stack.defer(() => real.stop());
  return { kubeconfig: real.kubeconfigPath, real };
}

async function openEmbedded({ stack, leavesNodesAlone = false }: ApiServerOptions): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), "api-server-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20 }));
  const program = ["--disable-warning=ExperimentalWarning", join(ROOT, "test/clients/serve-control-plane.ts"), folder];
  if (leavesNodesAlone) program.push("--without-controllers");
  const server = spawn(process.execPath, program, { stdio: ["ignore", "pipe", "inherit"] });
  stack.defer(async () => {
    const ended = once(server, "exit");
    if (server.exitCode === null && server.kill()) await ended;
  });
  const [line] = (await once(server.stdout, "data")) as [Buffer];
  return { kubeconfig: line.toString().trim(), real: undefined };
}
