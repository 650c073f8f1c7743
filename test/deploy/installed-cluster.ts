// A real cluster with the chart installed, and its two programs running as the chart says: with its arguments and the
// tokens of its ServiceAccounts. What is missing is a kubelet for their pods, so they run here.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startSimulatedClouds } from "../../apps/machine-controller/src/up/simulated-clouds.ts";
import { openStateFolder } from "../../apps/machine-controller/src/up/state-folder.ts";
import type { CleanUp } from "../e2e/clean-up.ts";
import { type ControllerProcess, startController } from "../e2e/controller-process.ts";
import { freePorts } from "../peers/free-ports.ts";
import { type RealControlPlane, startRealControlPlane } from "../peers/real-control-plane.ts";
import { writeTokenKubeconfig } from "../peers/token-kubeconfig.ts";
import { CHART } from "./chart.ts";

export type InstalledCluster = {
  controlPlane: RealControlPlane;
  auditLog: string;
  cloudApi: string;
  kubectl(...args: string[]): Promise<string>;
  helm(...args: string[]): Promise<string>;
  /** Path of a kubeconfig of a ServiceAccount in kube-system. */
  kubeconfigOf(account: string): Promise<string>;
  /** One more replica of the controller. */
  startController(): Promise<ControllerProcess>;
};

const NAMESPACE = "kube-system";
const ACCOUNTS = { controller: "machine-controller", webhook: "machine-controller-webhook" };

/** @param options.values of the chart, as `--set` takes them. @param options.namespaces that exist before. */
export async function installChart(
  cleanUp: CleanUp,
  helm: string,
  { values, namespaces }: { values: string; namespaces: readonly string[] },
): Promise<InstalledCluster> {
  const controlPlane = await startRealControlPlane({ auditLog: true, unsafeNoFsync: true });
  if ("skipped" in controlPlane) throw new Error(controlPlane.skipped);
  cleanUp.defer(() => controlPlane.stop());
  const folder = mkdtempSync(join(tmpdir(), "installed-cluster-"));
  cleanUp.defer(async () => rmSync(folder, { recursive: true, force: true }));
  const { kubeconfigPath, server, caCertificatePem, auditLogPath = "" } = controlPlane;
  const run = async (command: string, args: string[]): Promise<string> => {
    const env = { HOME: folder, PATH: process.env["PATH"], KUBECONFIG: kubeconfigPath };
    return (await promisify(execFile)(command, args, { env })).stdout;
  };
  const kubectl = (...args: string[]) => run(controlPlane.kubectl, args);

  for (const name of namespaces) await kubectl("create", "namespace", name);
  await run(helm, ["install", "machine-controller", CHART, `--namespace=${NAMESPACE}`, `--set=${values}`]);
  await kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all");
  const programs = {
    controller: await program("controller"),
    webhook: await program("webhook"),
  };

  const clouds = await startSimulatedClouds({
    state: openStateFolder(join(folder, "clouds")),
    host: "127.0.0.1",
    port: 0,
  });
  const stop = new AbortController();
  const running = clouds.run(stop.signal);
  cleanUp.defer(async () => {
    stop.abort();
    await running;
    await clouds.close();
  });
  await startWebhook();
  return {
    controlPlane,
    auditLog: auditLogPath,
    cloudApi: clouds.endpoints[0]?.url ?? "",
    kubectl,
    helm: (...args) => run(helm, args),
    kubeconfigOf,
    async startController() {
      const anyPorts = ["--health-probe-address=127.0.0.1:0", "--metrics-address=127.0.0.1:0"];
      const controller = startController([...programs.controller, ...anyPorts], clouds.environment);
      cleanUp.defer(() => controller.stop());
      return controller;
    },
  };

  /** Arguments of a component's container, and the kubeconfig of its account. */
  async function program(component: keyof typeof ACCOUNTS): Promise<string[]> {
    const account = ACCOUNTS[component];
    const output = "--output=jsonpath={.spec.template.spec.containers[0].args}";
    const args = JSON.parse(
      await kubectl("get", "deployment", account, `--namespace=${NAMESPACE}`, output),
    ) as string[];
    return [...args, `--kubeconfig=${await kubeconfigOf(account)}`];
  }

  async function kubeconfigOf(account: string): Promise<string> {
    const token = await kubectl("create", "token", account, `--namespace=${NAMESPACE}`, "--duration=1h");
    const kubeconfig = join(folder, `${account}.kubeconfig`);
    writeTokenKubeconfig(kubeconfig, { server, caCertificatePem }, token.trim());
    return kubeconfig;
  }

  /** The API server calls Services of type ExternalName under the Service's own name, and so with its certificate. */
  async function startWebhook(): Promise<void> {
    const { webhook } = await freePorts("webhook");
    const service = { spec: { type: "ExternalName", externalName: "localhost", clusterIP: null } };
    const ref = ["service", ACCOUNTS.webhook, `--namespace=${NAMESPACE}`];
    await kubectl("patch", ...ref, "--type=merge", `--patch=${JSON.stringify(service)}`);
    const path = (index: number) => ({
      op: "replace",
      path: `/webhooks/${index}/clientConfig/service/port`,
      value: webhook,
    });
    const ports = JSON.stringify([0, 1, 2].map(path));
    await kubectl("patch", "mutatingwebhookconfiguration", "machine-controller", "--type=json", `--patch=${ports}`);
    const served = startController([...programs.webhook, `--listen-address=127.0.0.1:${webhook}`]);
    cleanUp.defer(() => served.stop());
    await served.printed(/serving webhooks/);
  }
}
