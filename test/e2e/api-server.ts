// An API server for a suite or a bench, of either kind, with everything applied that the controller needs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { customResourceDefinitions } from "@machine-controller/api";
import { connectKubeconfig } from "@machine-controller/kube-client";
import { applyManifests, readManifests } from "../../apps/machine-controller/src/up/apply-manifests.ts";
import { type RealControlPlane, startRealControlPlane } from "../peers/real-control-plane.ts";

/** etcd and kube-apiserver, which take Go to build, or the embedded one, in a process of its own too. */
export type ApiServerKind = "real" | "embedded";

export type ApiServer = {
  readonly kubeconfig: string;
  /** Of the embedded one undefined: it keeps no audit log, and none of its processes can be stopped alone. */
  readonly real: RealControlPlane | undefined;
};

const ROOT = join(import.meta.dirname, "../..");

/**
 * Stopped by the stack.
 * @throws where the real one cannot be built.
 */
export async function openApiServer(
  kind: ApiServerKind,
  {
    stack,
    signal,
    unsafeNoFsync = false,
  }: { stack: AsyncDisposableStack; signal: AbortSignal; unsafeNoFsync?: boolean },
): Promise<ApiServer> {
  const server = kind === "real" ? await openReal(stack, unsafeNoFsync) : await openEmbedded(stack);
  const { client, close } = await connectKubeconfig({ kubeconfig: server.kubeconfig });
  const manifests = readManifests(join(ROOT, "deploy/node-bootstrap-rbac.yaml"));
  await applyManifests(client, [...customResourceDefinitions, ...manifests], { signal }).finally(() => void close());
  return server;
}

async function openReal(stack: AsyncDisposableStack, unsafeNoFsync: boolean): Promise<ApiServer> {
  const real = await startRealControlPlane({ auditLog: true, unsafeNoFsync });
  if ("skipped" in real) throw new Error(real.skipped);
  stack.defer(() => real.stop());
  return { kubeconfig: real.kubeconfigPath, real };
}

async function openEmbedded(stack: AsyncDisposableStack): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), "api-server-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20 }));
  const program = ["--disable-warning=ExperimentalWarning", join(ROOT, "test/clients/serve-control-plane.ts"), folder];
  const server = spawn(process.execPath, program, { stdio: ["ignore", "pipe", "inherit"] });
  stack.defer(async () => {
    const ended = once(server, "exit");
    if (server.exitCode === null && server.kill()) await ended;
  });
  const [line] = (await once(server.stdout, "data")) as [Buffer];
  return { kubeconfig: line.toString().trim(), real: undefined };
}
