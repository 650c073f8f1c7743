// The suite on etcd, kube-apiserver and kube-controller-manager, with the controller as it runs in production.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startSimulatedClouds } from "../../../apps/machine-controller/src/up/simulated-clouds.ts";
import { openStateFolder } from "../../../apps/machine-controller/src/up/state-folder.ts";
import { startRealControlPlane } from "../../peers/real-control-plane.ts";
import { withCleanUp } from "../clean-up.ts";
import { startController } from "../controller-process.ts";
import { countWrites } from "./count-writes.ts";
import { createAndDelete } from "./machine-life.ts";
import { type ProviderEntry, PROVIDERS } from "./providers.ts";
import { createSite, SIMULATED_SSH_KEY, simulatedAccess, type Site } from "./site.ts";
import { describeProvisioning, simplest } from "./suite.ts";

const ANY_PORTS = ["--health-probe-address", "127.0.0.1:0", "--metrics-address", "127.0.0.1:0"];
const DEPLOY = join(import.meta.dirname, "../../../deploy");
/** Five of one life, its token, two Events; the rest is what deletion takes. */
const MOST_WRITES = 12;

for (const provider of PROVIDERS) {
  let auditLog = "";
  const open = async (): Promise<Site> => {
    const opened = await openRealCluster(provider);
    auditLog = opened.auditLog;
    return opened.site;
  };
  describeProvisioning(provider, open, (site) => {
    test("one machine's life takes few writes", async () => {
      await createAndDelete(site(), simplest(provider, "alone"));
      const writes = [...countWrites(auditLog, "machine-controller")];
      site().log("written by the controller in the life of one MachineDeployment with one Machine:");
      for (const [what, count] of writes) site().log(`  ${count} × ${what}`);
      // Refused ones depend on who is first, and cost the API server little.
      const ofMachine = writes.filter(([what]) => /→ 20\d$/.test(what) && !/ machine(set|deployment)s\b/.test(what));
      const total = ofMachine.reduce((sum, [, count]) => sum + count, 0);
      site().log(`${total} of these, carried out, for the Machine, its Node, its token and its Events`);
      assert.ok(total > 0 && total <= MOST_WRITES, `${total} writes`);
    });
  });
}

const openRealCluster = (provider: ProviderEntry): Promise<{ site: Site; auditLog: string }> =>
  withCleanUp(async (cleanUp) => {
    const cluster = await startRealControlPlane({ auditLog: true, unsafeNoFsync: true });
    if ("skipped" in cluster) throw new Error(cluster.skipped);
    cleanUp.defer(() => cluster.stop());
    const kubectl = (...args: string[]) =>
      promisify(execFile)(cluster.kubectl, ["--kubeconfig", cluster.kubeconfigPath, ...args]);
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

    const controller = startController(
      ["run", "--kubeconfig", cluster.kubeconfigPath, ...ANY_PORTS],
      clouds.environment,
    );
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
    return { site, auditLog: cluster.auditLogPath ?? "" };
  });
