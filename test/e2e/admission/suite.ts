// The webhooks as an API server calls them: over TLS, with an authority that the webhook made and injected itself.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Machine, MachineDeployment } from "@machine-controller/api";
import { machineDeployments, machines } from "@machine-controller/controllers";
import { coreResources, defineResource, isKubeError, type KubeClient } from "@machine-controller/kube-client";
import {
  deployedWebhooks,
  type WebhookConfiguration,
} from "../../../apps/machine-controller/src/up/deployed-webhooks.ts";
import { freePorts } from "../../peers/free-ports.ts";
import { type ControllerProcess, startController } from "../controller-process.ts";
import { until } from "../until.ts";

const { signal } = new AbortController();
const PATIENCE = { timeoutMs: 60_000, pollMs: 250, signal, progress: () => undefined, quietMs: 60_000 };
const SECRET = { namespace: "kube-system", name: "machine-controller-webhook-ca" };

const configurations = defineResource<WebhookConfiguration>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  namespaced: false,
});

const value = {
  sshPublicKeys: [],
  cloudProvider: "hetzner",
  cloudProviderSpec: { token: "t0ken", serverType: "cx23", location: "nbg1" },
  operatingSystem: "ubuntu",
};
const machine = (name: string, kubelet = "1.36.2"): Machine =>
  ({
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: { name, namespace: "kube-system" },
    spec: { providerSpec: { value }, versions: { kubelet } },
  }) as unknown as Machine;
const deployment = (name: string, label = name): MachineDeployment =>
  ({
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "MachineDeployment",
    metadata: { name, namespace: "kube-system" },
    spec: {
      selector: { matchLabels: { name } },
      template: {
        metadata: { labels: { name: label } },
        spec: { providerSpec: { value }, versions: { kubelet: "1.36.2" } },
      },
    },
  }) as unknown as MachineDeployment;

export type AdmittingCluster = { client: KubeClient; kubeconfig: string; close: () => Promise<void> };

/** @param open a cluster that has the CRDs. */
export function admissionSuite(name: string, open: () => Promise<AdmittingCluster>): void {
  describe(name, () => admissionTests(open));
}

function admissionTests(open: () => Promise<AdmittingCluster>): void {
  let cluster: AdmittingCluster;
  let client: KubeClient;
  let port: number;
  let webhook: ControllerProcess;

  const startWebhook = async (): Promise<void> => {
    webhook = startController([
      "webhook",
      `-kubeconfig=${cluster.kubeconfig}`,
      `-listen-address=127.0.0.1:${port}`,
      "-manage-certificate",
      "-certificate-hosts=127.0.0.1",
      "-kubernetes-version-skew=3",
    ]);
    await webhook.printed(/serving webhooks/);
  };
  const refusal = (attempt: Promise<unknown>, says: RegExp) =>
    assert.rejects(attempt, (error) => isKubeError(error) && says.test(error.message));

  before(async () => {
    cluster = await open();
    ({ client } = cluster);
    ({ port } = await freePorts("port"));
    await client.create(configurations, deployedWebhooks(`https://127.0.0.1:${port}`), { signal });
    await startWebhook();
    await until(
      "the API server calls the webhooks",
      async () => {
        const made = await client
          .create(machines, machine("probe"), { dryRun: true, signal })
          .catch((error: unknown) => error);
        const name = made instanceof Error ? made.message : (made as Machine).spec.metadata?.name;
        return name === "probe" ? { done: true } : { pending: String(name) };
      },
      PATIENCE,
    );
  });
  after(async () => {
    await webhook?.stop();
    await cluster?.close();
  });

  test("a Machine gets its defaults", async () => {
    const { spec, metadata } = await client.create(machines, machine("good"), { signal });
    assert.equal(spec.metadata?.name, "good");
    assert.equal(
      metadata.annotations?.["v1.kubelet-flags.machine-controller.kubermatic.io/ExternalCloudProvider"],
      "false",
    );
    const made = spec.providerSpec.value as { operatingSystemSpec?: unknown };
    assert.deepEqual(made.operatingSystemSpec, { distUpgradeOnBoot: false });
  });

  test("what is wrong is refused with path, value and remedy, as Invalid", async () => {
    const { code } = await client.create(machines, machine("bad", "soon"), { signal }).then(
      () => assert.fail("it was admitted"),
      (error: unknown) => (isKubeError(error) ? error : assert.fail(String(error))),
    );
    assert.equal(code, "Invalid");
    await refusal(
      client.create(machines, machine("bad", "soon"), { signal }),
      /spec\.versions\.kubelet: "soon" is not a semantic version; use a form such as/,
    );
    await refusal(client.create(machines, machine("bad", "1.99.0"), { signal }), /is newer than the API server/);
    await refusal(
      client.create(machineDeployments, deployment("bad", "other"), { signal }),
      /spec\.template\.metadata\.labels/,
    );
  });

  test("a spec stays what it was, unless the annotation asks for one change", async () => {
    await client.create(machines, machine("fixed"), { signal });
    const ref = { namespace: "kube-system", name: "fixed" };
    const change = { spec: { versions: { kubelet: "1.35.0" } } };
    await refusal(
      client.patch(machines, ref, { type: "merge", body: change }, { signal }),
      /spec\.versions\.kubelet: a Machine's spec cannot be changed/,
    );
    const annotations = { "kubermatic.io/bypass-no-spec-mutation-requirement": "true" };
    const body = { ...change, metadata: { annotations } };
    const changed = await client.patch(machines, ref, { type: "merge", body }, { signal });
    assert.equal(changed.spec.versions.kubelet, "1.35.0");
    assert.equal(changed.metadata.annotations?.["kubermatic.io/bypass-no-spec-mutation-requirement"], undefined);
  });

  test("while the webhooks are out, nothing new is admitted, and what exists is driven and deleted", async () => {
    const held = machine("held");
    await client.create(
      machines,
      { ...held, metadata: { ...held.metadata, finalizers: ["machine-node-delete-finalizer"] } },
      { signal },
    );
    await client.create(machineDeployments, deployment("workers"), { signal });
    assert.equal(await webhook.stop(), 0);

    await refusal(client.create(machines, machine("new"), { signal }), /failed calling webhook/);
    const ref = { namespace: "kube-system", name: "held" };
    const written = { metadata: { labels: { a: "b" } }, status: { phase: "Running" } };
    assert.equal(
      (await client.patch(machines, ref, { type: "merge", body: written }, { signal })).status?.phase,
      "Running",
    );
    await client.delete(machines, ref, { signal });
    await client.patch(machines, ref, { type: "merge", body: { metadata: { finalizers: null } } }, { signal });
    await assert.rejects(client.get(machines, ref, { signal }), { code: "NotFound" });
    const workers = { namespace: "kube-system", name: "workers" };
    const annotated = { metadata: { annotations: { note: "x" } } };
    await client.patch(machineDeployments, workers, { type: "merge", body: annotated }, { signal });
    await startWebhook();
  });

  test("a new authority is injected and served with, while Machines are created", async () => {
    const bundle = async () =>
      (await client.get(configurations, { name: "machine-controller" }, { signal })).webhooks[0]?.clientConfig.caBundle;
    const before = await bundle();
    const spoilt = { "tls.crt": Buffer.from("spoilt").toString("base64") };
    await client.patch(coreResources.secrets, SECRET, { type: "merge", body: { data: spoilt } }, { signal });
    await until(
      "another authority",
      async () => ((await bundle()) === before ? { pending: "the old one" } : { done: true }),
      PATIENCE,
    );
    await webhook.printed(/serving with a new certificate/);
    await until(
      "the API server trusts it",
      async () => {
        const made = await client
          .create(machines, machine("after-rotation"), { dryRun: true, signal })
          .catch((error: unknown) => error);
        return made instanceof Error ? { pending: made.message } : { done: true };
      },
      PATIENCE,
    );
  });
}
