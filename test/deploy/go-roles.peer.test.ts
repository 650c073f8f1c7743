// Only the image is swapped: the controller with the account that the Go implementation's manifests give it, through a
// bootstrap token that is about to expire and a rollout. What it goes without is known, and it says so.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { API_VERSION } from "@machine-controller/api/well-known";
import { machines } from "@machine-controller/controllers";
import { coreResources, type KubeObject } from "@machine-controller/kube-client";
import { createUpdateAndDelete } from "../e2e/provisioning/machine-life.ts";
import { NAMESPACE } from "../e2e/provisioning/manifest.ts";
import { PROVIDERS } from "../e2e/provisioning/providers.ts";
import { openRealCluster, type RealCluster } from "../e2e/provisioning/real-cluster.ts";
import { prepare } from "../e2e/provisioning/scenarios.ts";
import { simplest } from "../e2e/provisioning/suite.ts";
import { describeRequest, isForbidden, requestsOf } from "./audit.ts";
import { joinByExpiringToken, PAUSED } from "./expiring-token.ts";

const ACCOUNT = { name: "machine-controller", manifest: join(import.meta.dirname, "testdata/go-roles.yaml") };
const [provider] = PROVIDERS;
assert.ok(provider);

describe("the account of the Go implementation", () => {
  let cluster: RealCluster;
  before(async () => void (cluster = await openRealCluster(provider, ACCOUNT)));
  after(() => cluster?.site.close());

  test("a bootstrap token that is about to expire", async () => {
    const { site } = cluster;
    const { client, signal } = site;
    const { spec } = (await prepare(site, simplest(provider, "renewed"))).spec.template;
    const ref = { name: "renewed", namespace: NAMESPACE };
    const metadata = { ...ref, annotations: PAUSED };
    await site.create(machines, { apiVersion: API_VERSION, kind: "Machine", metadata, spec } as KubeObject);
    const machine = await client.get(machines, ref, { signal });
    const token = await joinByExpiringToken(site, machine);
    const renewed = await client.get(coreResources.secrets, token.metadata, { signal });
    const expiresAtMs = Date.parse(Buffer.from(renewed.data?.["expiration"] ?? "", "base64").toString());
    assert.ok(expiresAtMs - Date.now() > 1_800_000);
  });

  test("a rollout", () => createUpdateAndDelete(cluster.site, simplest(provider, "swapped")));

  test("is refused the UID of kube-system alone, and what it lacks is said once", async () => {
    const requests = requestsOf(cluster.auditLog, `system:serviceaccount:${NAMESPACE}:${ACCOUNT.name}`);
    assert.deepEqual([...new Set(requests.filter(isForbidden).map(describeRequest))], ["get namespaces"]);
    const output = cluster.controller.output().replaceAll("\\", "");
    assert.equal(output.split("grant get of Namespace kube-system").length, 2);
    const [, lacking] = /lacks permissions: ([^;]*);/.exec(output) ?? [];
    assert.deepEqual(lacking?.split(", ").toSorted(), [
      'get namespaces "kube-system"',
      'patch configmaps "machine-controller-orphans" in kube-system',
      "update machinedeployments.cluster.k8s.io/finalizers",
      "update machinesets.cluster.k8s.io/finalizers",
    ]);
  });
});
