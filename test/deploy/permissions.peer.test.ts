// The chart's own accounts through everything that happens to Machines: nothing they need is refused to them, and they may
// do nothing that they never do.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { machineDeployments, machineSets, machines } from "@machine-controller/controllers";
import { coreResources, defineResource, isKubeError, type KubeObject } from "@machine-controller/kube-client";
import { type CleanUp, createCleanUp } from "../e2e/clean-up.ts";
import type { ControllerProcess } from "../e2e/controller-process.ts";
import { machinesOf, nodeOf } from "../e2e/provisioning/cluster.ts";
import { createUpdateAndDelete } from "../e2e/provisioning/machine-life.ts";
import { NAMESPACE, providerSpecOf } from "../e2e/provisioning/manifest.ts";
import { PROVIDERS } from "../e2e/provisioning/providers.ts";
import { prepare, type Scenario } from "../e2e/provisioning/scenarios.ts";
import { createSite, SIMULATED_SSH_KEY, simulatedAccess, type Site } from "../e2e/provisioning/site.ts";
import { simplest } from "../e2e/provisioning/suite.ts";
import { buildHelm } from "../peers/build.ts";
import { describeRequest, isForbidden, isUsed, requestsOf, rightsGranted } from "./audit.ts";
import { renderChart } from "./chart.ts";
import { joinByExpiringToken, PAUSED, UNPAUSED } from "./expiring-token.ts";
import { type InstalledCluster, installChart } from "./installed-cluster.ts";

const VALUES = "referenceNamespaces={credentials}";
const ACCOUNTS = ["machine-controller", "machine-controller-webhook"].map(
  (name) => `system:serviceaccount:${NAMESPACE}:${name}`,
);
const found = await buildHelm();
const skip = "skipped" in found && found.skipped;
const helm = "helm" in found ? found.helm : "";
const [provider] = PROVIDERS;
assert.ok(provider);

const disruptionBudgets = defineResource({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  namespaced: true,
});

describe("the chart's accounts", { skip }, () => {
  const cleanUp: CleanUp = createCleanUp();
  let cluster: InstalledCluster;
  let site: Site;
  let leader: ControllerProcess;
  before(async () => {
    cluster = await installChart(cleanUp, helm, { values: VALUES, namespaces: ["credentials"] });
    leader = await cluster.startController();
    await leader.printed(/caches are filled/);
    site = await createSite({
      provider,
      cleanUp,
      kubeconfig: cluster.controlPlane.kubeconfigPath,
      isSimulated: true,
      cloudApi: cluster.cloudApi,
      access: simulatedAccess(provider),
      sshKey: SIMULATED_SSH_KEY,
    });
  });
  after(() => cleanUp.run());

  test("a rollout, with the token in a Secret of a namespace that the chart was told of", async () => {
    const referring = { ...simplest(provider, "referring"), change: tokenFrom("Secret", "credentials") };
    await createUpdateAndDelete(site, referring);
  });

  test("the webhook, served with a certificate of its own making, refuses what cannot work", async () => {
    const deployment = await prepare(site, simplest(provider, "refused"));
    providerSpecOf(deployment).cloudProviderSpec["serverTyp"] = "cx23";
    await assert.rejects(site.create(machineDeployments, deployment), (error) => {
      return isKubeError(error) && /serverTyp\b.*did you mean "?serverType/.test(error.message);
    });
  });

  test("a serving certificate, a drain that a budget holds up, and a volume that is waited for", async () => {
    const { client, signal } = site;
    const deployment = await prepare(site, {
      ...simplest(provider, "drained"),
      change: tokenFrom("ConfigMap", NAMESPACE),
    });
    deployment.spec.replicas = 2;
    await site.create(machineDeployments, deployment);
    const created = await site.until("two Machines", async () => {
      const made = await machinesOf(site, await client.get(machineDeployments, refOf(deployment), { signal }));
      const ready = made.filter(({ status }) => status?.phase === "Running");
      return ready.length === 2 ? { done: ready } : { pending: `${ready.length} Ready` };
    });
    const [machine] = created;
    const node = machine && (await nodeOf(site, machine));
    assert.ok(machine && node);
    await site.until("a serving certificate", async () => {
      const { items } = await client.listAll(coreResources.certificateSigningRequests, { signal });
      const own = items.find(({ spec }) => spec.signerName === "kubernetes.io/kubelet-serving");
      return own?.status?.certificate ? { done: own } : { pending: own ? "not signed" : "not asked for" };
    });

    const labels = { app: "held" };
    const pod = { metadata: { name: "held", namespace: NAMESPACE, labels }, apiVersion: "v1", kind: "Pod" };
    const containers = [{ name: "main", image: "none" }];
    await site.create(coreResources.pods, { ...pod, spec: { nodeName: node.metadata.name, containers } } as KubeObject);
    // A budget is of running pods.
    await site.until("its pod runs", async () => {
      const { status } = await client.get(coreResources.pods, refOf(pod), { signal });
      return status?.phase === "Running" ? { done: undefined } : { pending: status?.phase ?? "" };
    });
    const budget = { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: pod.metadata };
    await site.create(disruptionBudgets, {
      ...budget,
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    } as KubeObject);
    const volume = { apiVersion: "storage.k8s.io/v1", kind: "VolumeAttachment", metadata: { name: "volume" } };
    const source = { persistentVolumeName: "volume" };
    const attachment = { ...volume, spec: { attacher: "csi.example.com", nodeName: node.metadata.name, source } };
    await site.create(coreResources.volumeAttachments, attachment);
    const attached = { type: "merge", body: { status: { attached: true } } } as const;
    const inStatus = { subresource: "status", signal } as const;
    await client.patch(coreResources.volumeAttachments, volume.metadata, attached, inStatus);
    await client.delete(machines, refOf(machine), { signal });
    const refused = "create pods/eviction";
    await site.until("the budget says no", async () => {
      const tries = requestsOf(cluster.auditLog, ACCOUNTS[0] ?? "").filter((one) => describeRequest(one) === refused);
      return tries.some(({ responseStatus }) => responseStatus?.code === 429)
        ? { done: undefined }
        : { pending: `${tries.length} evictions` };
    });
    await client.delete(disruptionBudgets, refOf(pod), { signal });
    await site.until("it waits for the volume", async () => {
      const { conditions = [] } = (await client.get(machines, refOf(machine), { signal })).status ?? {};
      return conditions.some(({ type, status }) => type === "VolumesDetached" && status === "False")
        ? { done: undefined }
        : { pending: JSON.stringify(conditions.map(({ type, reason }) => [type, reason])) };
    });
    await client.delete(coreResources.volumeAttachments, volume.metadata, { signal });
    await site.until("the Machine is gone", async () => {
      const left = await client.listAll(machines, { namespace: NAMESPACE, signal });
      return left.items.some(({ metadata }) => metadata.uid === machine.metadata.uid)
        ? { pending: JSON.stringify(left.items[0]?.status?.conditions) }
        : { done: undefined };
    });
  });

  test("a bootstrap token that an earlier process made and that is about to expire; a history that is cut", async () => {
    const { client, signal } = site;
    const deployment = await prepare(site, {
      ...simplest(provider, "renewed"),
      change: tokenFrom("ConfigMap", "credentials"),
    });
    deployment.spec.revisionHistoryLimit = 0;
    deployment.spec.template.metadata = {
      ...deployment.spec.template.metadata,
      annotations: PAUSED,
    };
    await site.create(machineDeployments, deployment);
    const machine = await site.until("a Machine", async () => {
      const [made] = await machinesOf(site, await client.get(machineDeployments, refOf(deployment), { signal }));
      return made ? { done: made } : { pending: "none" };
    });
    await joinByExpiringToken(site, machine);
    const changed = { spec: { template: { ...UNPAUSED, spec: { versions: { kubelet: "1.36.2" } } } } };
    await client.patch(machineDeployments, refOf(deployment), { type: "merge", body: changed }, { signal });
    await site.until("the old MachineSet is gone", async () => {
      const { items } = await client.listAll(machineSets, { namespace: NAMESPACE, signal });
      const versions = items
        .filter(({ metadata }) => metadata.name?.startsWith(`${deployment.metadata.name}-`))
        .map(({ spec }) => spec.template.spec.versions?.kubelet);
      return versions.join() === "1.36.2" ? { done: undefined } : { pending: versions.join() };
    });
  });

  test("the leader goes, and the one that waited takes over", async () => {
    const second = await cluster.startController();
    assert.equal(await leader.stop(), 0);
    await second.printed(/caches are filled/);
    const { client, signal } = site;
    const { items } = await client.listAll(machineDeployments, { namespace: NAMESPACE, signal });
    assert.ok(items.length > 0);
    for (const deployment of items) await client.delete(machineDeployments, refOf(deployment), { signal });
    await site.until("all Machines are gone", async () => {
      const left = await client.listAll(machines, { namespace: NAMESPACE, signal });
      return left.items.length > 0 ? { pending: `${left.items.length} left` } : { done: undefined };
    });
    assert.equal(await second.stop(), 0);
  });

  test("were refused nothing", () => {
    for (const account of ACCOUNTS) {
      const requests = requestsOf(cluster.auditLog, account);
      assert.ok(requests.length > 0, `${account} asked for nothing`);
      assert.deepEqual([...new Set(requests.filter(isForbidden).map(describeRequest))], [], account);
    }
  });

  test("may do nothing that they never did, but for what the chart gives a reason for", () => {
    const granted = rightsGranted(renderChart(helm, `--set=${VALUES}`));
    const used = new Map(ACCOUNTS.map((account) => [account, requestsOf(cluster.auditLog, account)]));
    assert.ok(granted.length > 20 && granted.every(({ account }) => used.has(account)));
    const isRightUsed = (right: (typeof granted)[number]) => isUsed(right, used.get(right.account) ?? []);
    const tell = ({ account, namespace, what }: (typeof granted)[number]) =>
      `${account.split(":").pop()}: ${what}${namespace && ` in ${namespace}`}`;
    assert.deepEqual(granted.filter((right) => !right.isSeldom && !isRightUsed(right)).map(tell), [], "never used");
  });
});

/** The cloud's token, from an object of its own. */
const tokenFrom =
  (kind: "Secret" | "ConfigMap", namespace: string): NonNullable<Scenario["change"]> =>
  ({ cloudProviderSpec }, { access }) => {
    const metadata = { name: `token-of-${namespace}`, namespace };
    const [resource, reference, content] =
      kind === "Secret"
        ? ([coreResources.secrets, "secretKeyRef", "stringData"] as const)
        : ([coreResources.configMaps, "configMapKeyRef", "data"] as const);
    cloudProviderSpec["token"] = { [reference]: { ...metadata, key: "token" } };
    return [[resource, { apiVersion: "v1", kind, metadata, [content]: { token: access["HETZNER_TOKEN"] } }]];
  };

const refOf = ({ metadata }: { metadata: { name?: string; namespace?: string } }) => ({
  namespace: metadata.namespace ?? NAMESPACE,
  name: metadata.name ?? "",
});
