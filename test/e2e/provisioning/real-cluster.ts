// etcd, kube-apiserver and kube-controller-manager, simulated clouds, and the controller as it runs in production.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startSimulatedClouds } from "../../../apps/machine-controller/src/up/simulated-clouds.ts";
import { openStateFolder } from "../../../apps/machine-controller/src/up/state-folder.ts";
import { startRealControlPlane } from "../../peers/real-control-plane.ts";
import { writeTokenKubeconfig } from "../../peers/token-kubeconfig.ts";
import { withCleanUp } from "../clean-up.ts";
import { type ControllerProcess, startController } from "../controller-process.ts";
import { NAMESPACE } from "./manifest.ts";
import type { ProviderEntry } from "./providers.ts";
import { createSite, SIMULATED_SSH_KEY, simulatedAccess, type Site } from "./site.ts";

const ANY_PORTS = ["--health-probe-address", "127.0.0.1:0", "--metrics-address", "127.0.0.1:0"];
const DEPLOY = join(import.meta.dirname, "../../../deploy");
export type RealCluster = {
  site: Site;
  /** Path of kube-apiserver's audit log. */
  auditLog: string;
  /** @returns what it prints. */
  kubectl(...args: string[]): Promise<string>;
  controller: ControllerProcess;
};

/** A ServiceAccount of kube-system, and the file that makes it and its roles. */
export type Account = { name: string; manifest: string };

/** @param account that the controller acts as; default: the administrator. */
export const openRealCluster = (provider: ProviderEntry, account?: Account): Promise<RealCluster> =>
  withCleanUp(async (cleanUp) => {
    const cluster = await startRealControlPlane({ auditLog: true, unsafeNoFsync: true });
    if ("skipped" in cluster) throw new Error(cluster.skipped);
    cleanUp.defer(() => cluster.stop());
    const kubectl = async (...args: string[]): Promise<string> => {
      const flags = ["--kubeconfig", cluster.kubeconfigPath, "--namespace", NAMESPACE];
      return (await promisify(execFile)(cluster.kubectl, [...flags, ...args])).stdout;
    };
    await kubectl(
      "apply",
      "--filename",
      join(DEPLOY, "crds.yaml"),
      "--filename",
      join(DEPLOY, "node-bootstrap-rbac.yaml"),
    );
    await kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all");

    const folder = mkdtempSync(join(tmpdir(), "simulated-clouds-"));
    cleanUp.defer(async () => rmSync(folder, { recursive: true }));
    const clouds = await startSimulatedClouds({ state: openStateFolder(folder), host: "127.0.0.1", port: 0 });
    const stop = new AbortController();
    const running = clouds.run(stop.signal);
    cleanUp.defer(async () => {
      stop.abort();
      await running;
      await clouds.close();
    });

    let kubeconfig = cluster.kubeconfigPath;
    if (account !== undefined) {
      await kubectl("apply", "--namespace=", "--filename", account.manifest);
      kubeconfig = join(folder, "kubeconfig");
      writeTokenKubeconfig(kubeconfig, cluster, (await kubectl("create", "token", account.name)).trim());
    }
    const controller = startController(["run", "--kubeconfig", kubeconfig, ...ANY_PORTS], clouds.environment);
    cleanUp.defer(() => controller.stop());
    await controller.printed(/caches are filled/);
    const site = await createSite({
      provider,
      cleanUp,
      kubeconfig: cluster.kubeconfigPath,
      isSimulated: true,
      cloudApi: clouds.endpoints.find(({ name }) => name === provider.name)?.url ?? "",
      access: simulatedAccess(provider),
      sshKey: SIMULATED_SSH_KEY,
    });
    return { site, auditLog: cluster.auditLogPath ?? "", kubectl, controller };
  });
