// The Helm chart and the kustomize base against a real API server: admitted, installed, upgraded and removed.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildHelm } from "../peers/build.ts";
import { type RealControlPlane, startRealControlPlane } from "../peers/real-control-plane.ts";
import { CHART, KUBE_VERSION, KUSTOMIZE, KUSTOMIZE_OBJECTS, kustomizeBase, renderChart } from "./chart.ts";

const found = await buildHelm();
const skip = "skipped" in found && found.skipped;
const helm = "helm" in found ? found.helm : "";

/** Each turns something on that the default values leave off. */
const VARIATIONS: readonly string[] = [
  "networkPolicy.enabled=true,networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus",
  "webhook.certificate.source=secret,webhook.certificate.caBundle=Q0E=,nodeBootstrap.enabled=false",
  "webhook.certificate.source=cert-manager,logs.format=console",
  "webhook.certificate.source=cert-manager,webhook.certificate.issuerRef.name=corporate",
  "webhook.enabled=false,controller.replicas=1,nodeBootstrap.createNamespace=false",
  "monitoring.serviceMonitor.enabled=true,monitoring.prometheusRule.enabled=true,monitoring.serviceMonitor.labels.a=b",
  "controller.caBundle.configMap=authorities,controller.name=shard-1,controller.joinClusterTimeout=25m",
  "controller.clusterDns={10.96.0.10,fd00::a},controller.nodeApiServer=https://10.0.0.1:6443,referenceNamespaces={default}",
  "webhook.kubernetesVersionConstraints=>=1.33.0,webhook.immutabilityBypassUsers={jane,joe},image.tag=1.2.3",
  `image.digest=sha256:${"0".repeat(64)},commonLabels.team=infra,controller.priorityClassName=system-cluster-critical`,
];
/** What the schema refuses, and how. */
const MISTAKES: readonly [values: string, says: RegExp][] = [
  ["controller.replica=2", /additional properties 'replica' not allowed/],
  ["controller.workerCount=0", /workerCount.*minimum/s],
  ["controller.joinClusterTimeout=25", /joinClusterTimeout.*want string/s],
  ["controller.joinClusterTimeout=25 minutes", /joinClusterTimeout.*(pattern|match)/s],
  ["webhook.failurePolicy=ignore", /failurePolicy.*one of/s],
  ["image.digest=latest", /digest.*(pattern|match)/s],
  ["webhook.certificate.source=secret", /webhook\.certificate\.caBundle: set the authority/],
];

describe("deploy", { skip }, () => {
  let controlPlane: RealControlPlane;
  let folder: string;
  before(async () => {
    const started = await startRealControlPlane({ unsafeNoFsync: true });
    if ("skipped" in started) throw new Error(started.skipped);
    controlPlane = started;
    folder = mkdtempSync(join(tmpdir(), "deploy-test-"));
    // Objects of the chart are admitted only where their kinds and namespaces exist.
    kubectl("create", "namespace", "cloud-init-settings");
    for (const [group, kind] of FOREIGN_KINDS) {
      kubectl("apply", "--filename", write("crd.yaml", JSON.stringify(anyKind(group, kind))));
    }
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all");
  });
  after(async () => {
    await controlPlane?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("the chart passes its linter, and is admitted with every value turned on", () => {
    for (const values of ["", ...VARIATIONS]) {
      const set = values === "" ? [] : ["--set", values];
      execFileSync(helm, ["lint", "--strict", "--quiet", KUBE_VERSION, CHART, ...set], { stdio: "pipe" });
      kubectl("apply", "--dry-run=server", "--filename", write("rendered.yaml", renderChart(helm, ...set)));
    }
  });

  test("a value that cannot be meant is refused", () => {
    for (const [values, says] of MISTAKES) assert.throws(() => renderChart(helm, "--set", values), { message: says });
  });

  test("the kustomize base is what the chart renders, and is admitted", () => {
    assert.equal(
      readFileSync(KUSTOMIZE_OBJECTS, "utf8"),
      kustomizeBase(helm),
      "run `node test/deploy/chart.ts` after a change of the chart",
    );
    kubectl("apply", "--dry-run=server", "--kustomize", KUSTOMIZE);
  });

  test("an upgrade keeps what the webhook filled in, and removal keeps Machines", () => {
    kubectl("delete", "namespace", "cloud-init-settings");
    release("install", "machine-controller", CHART);
    const certificate = { data: { "tls.crt": "Y2VydGlmaWNhdGU=" } };
    const caBundle = { op: "add", path: "/webhooks/0/clientConfig/caBundle", value: readCa() };
    kubectl("patch", "secret", "machine-controller-webhook-ca", "-n=kube-system", "-p", JSON.stringify(certificate));
    const configuration = ["mutatingwebhookconfiguration", "machine-controller"];
    kubectl("patch", ...configuration, "--type=json", "-p", JSON.stringify([caBundle]));
    release("upgrade", "machine-controller", CHART, "--set", "controller.workerCount=8,webhook.timeoutSeconds=7");
    const kept = (path: string, ...object: string[]) => kubectl("get", ...object, `--output=jsonpath=${path}`);
    const secret = ["secret", "machine-controller-webhook-ca", "--namespace=kube-system"];
    assert.equal(kept("{.data.tls\\.crt}", ...secret), certificate.data["tls.crt"]);
    assert.equal(kept("{.webhooks[0].clientConfig.caBundle}", ...configuration), caBundle.value);
    assert.equal(kept("{.webhooks[0].timeoutSeconds}", ...configuration), "7");

    release("uninstall", "machine-controller");
    const left = kubectl("get", "deployments,clusterroles,clusterrolebindings,secrets", "--all-namespaces", "-o=name");
    assert.doesNotMatch(left, /machine-controller/);
    kubectl("get", "crd", "machines.cluster.k8s.io", "machinesets.cluster.k8s.io", "machinedeployments.cluster.k8s.io");
    kubectl("get", "namespace", "cloud-init-settings");
  });

  test("the base is applied, its pods pass the strictest Pod Security Standard, and reads are few", () => {
    kubectl("apply", "--kustomize", KUSTOMIZE);
    kubectl("wait", "--for=jsonpath={.status.replicas}=2", "deployment", "--all", "-n=kube-system", "--timeout=30s");
    const level = "pod-security.kubernetes.io/enforce=restricted";
    const said = spawnSync(controlPlane.kubectl, [
      ...flags(),
      "label",
      "--dry-run=server",
      "--overwrite",
      "namespace",
      "kube-system",
      level,
    ]);
    assert.equal(said.stderr.toString(), "");
    for (const refused of ["list secrets", "get secrets -n default", "list secrets -n kube-system", "create pods"]) {
      assert.ok(!mayController(refused), refused);
    }
  });

  const flags = () => [`--kubeconfig=${controlPlane.kubeconfigPath}`, `--cache-dir=${join(folder, "cache")}`];

  function kubectl(...args: string[]): string {
    return execFileSync(controlPlane.kubectl, [...flags(), ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  function release(...args: string[]): void {
    const env = { HOME: folder, PATH: process.env["PATH"], KUBECONFIG: controlPlane.kubeconfigPath };
    execFileSync(helm, [...args, "--namespace=kube-system"], { env, stdio: "pipe" });
  }

  function mayController(what: string): boolean {
    const account = "--as=system:serviceaccount:kube-system:machine-controller";
    return spawnSync(controlPlane.kubectl, [...flags(), account, "auth", "can-i", ...what.split(" ")]).status === 0;
  }

  const readCa = (): string => Buffer.from(controlPlane.caCertificatePem).toString("base64");

  function write(name: string, content: string): string {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  }
});

/** Kinds of others that the chart has objects of. */
const FOREIGN_KINDS = [
  ["monitoring.coreos.com", "ServiceMonitor"],
  ["monitoring.coreos.com", "PrometheusRule"],
  ["cert-manager.io", "Issuer"],
  ["cert-manager.io", "Certificate"],
] as const;

/** Admits anything of that name: the definitions themselves are not to be had from a package registry. */
function anyKind(group: string, kind: string): object {
  const singular = kind.toLowerCase();
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, singular, plural: `${singular}s` },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
}
