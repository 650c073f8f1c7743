// The Helm chart and the kustomize base against a real API server, which admits every object and grants no more than is meant.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { type RealControlPlane, startRealControlPlane } from "../peers/real-control-plane.ts";

const ROOT = join(import.meta.dirname, "../..");
const CHART = join(ROOT, "deploy/helm/machine-controller");
const KUSTOMIZE = join(ROOT, "deploy/kustomize");
const noHelm = spawnSync("helm", ["version"]).status === 0 ? false : "helm is not installed";
const CONTROLLER = "system:serviceaccount:kube-system:machine-controller";

type KubeObject = { kind: string; metadata: { name: string; namespace?: string }; rules?: unknown; webhooks?: unknown };

describe("deploy", () => {
  let controlPlane: RealControlPlane;
  let folder: string;
  before(async () => {
    const started = await startRealControlPlane();
    if ("skipped" in started) throw new Error(started.skipped);
    controlPlane = started;
    folder = mkdtempSync(join(tmpdir(), "deploy-test-"));
    kubectl("create", "namespace", "cloud-init-settings");
  });
  after(async () => {
    await controlPlane.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("the kustomize base is admitted", () => {
    kubectl("apply", "--dry-run=server", "--kustomize", KUSTOMIZE);
  });

  test("the chart passes its linter and is admitted", { skip: noHelm }, () => {
    execFileSync("helm", ["lint", "--strict", "--kube-version=1.36.0", CHART]);
    for (const values of [
      [],
      ["--set", "networkPolicy.enabled=true,webhook.certificateSecret=tls,nodeBootstrap.enabled=false"],
    ]) {
      const path = join(folder, "rendered.yaml");
      writeFileSync(path, render(...values));
      kubectl("apply", "--dry-run=server", "--filename", path);
    }
  });

  test("the kustomize base has the roles and webhooks of the chart", { skip: noHelm }, () => {
    const base = kubectl("kustomize", KUSTOMIZE);
    assert.deepEqual(granted(base), granted(render()));
  });

  test("the controller may do its work, and read no Secret but those meant for it", () => {
    kubectl("apply", "--kustomize", KUSTOMIZE);
    for (const allowed of [
      "list machines.cluster.k8s.io",
      "create pods --subresource=eviction",
      "patch nodes",
      "get secrets -n kube-system",
    ]) {
      assert.ok(mayController(allowed), allowed);
    }
    for (const refused of [
      "list secrets",
      "get secrets -n default",
      "list secrets -n kube-system",
      "create pods",
      "update machines.cluster.k8s.io",
    ]) {
      assert.ok(!mayController(refused), refused);
    }
  });

  function kubectl(...args: string[]): string {
    const { kubeconfigPath } = controlPlane;
    return execFileSync(
      controlPlane.kubectl,
      [`--kubeconfig=${kubeconfigPath}`, `--cache-dir=${join(folder, "cache")}`, ...args],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
  }

  function mayController(what: string): boolean {
    const flags = [`--kubeconfig=${controlPlane.kubeconfigPath}`, `--as=${CONTROLLER}`];
    return spawnSync(controlPlane.kubectl, [...flags, "auth", "can-i", ...what.split(" ")]).status === 0;
  }
});

function render(...args: string[]): string {
  const flags = ["--namespace=kube-system", "--kube-version=1.36.0"];
  return execFileSync("helm", ["template", "machine-controller", CHART, ...flags, ...args], { encoding: "utf8" });
}

/** What the roles grant and the webhook configurations ask for. */
function granted(yaml: string): Record<string, unknown> {
  const objects = parseAllDocuments(yaml).map((document) => document.toJS() as KubeObject | null);
  return Object.fromEntries(
    objects
      .filter((object) => object !== null)
      .filter(({ rules, webhooks }) => rules !== undefined || webhooks !== undefined)
      .map(({ kind, metadata, rules, webhooks }) => [
        `${kind} ${metadata.namespace ?? ""}/${metadata.name}`,
        rules ?? webhooks,
      ])
      .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}
