import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { type TestContext, test } from "node:test";
import { createControlPlane } from "@machine-controller/control-plane";
import {
  coreResources,
  createKubeClient,
  defineResource,
  inProcess,
  type KubeObject,
  withBearerToken,
} from "@machine-controller/kube-client";
import { systemClock } from "@machine-controller/kube-runtime";
import { systemRandom } from "../environment.ts";
import { ensureManagedCertificate } from "./authority.ts";

const DAY_MS = 24 * 3_600_000;
const { signal } = new AbortController();
const SECRET = { namespace: "kube-system", name: "machine-controller-webhook-ca" };
type Configuration = KubeObject & { webhooks: { clientConfig: { url?: string; caBundle?: string } }[] };
const configurations = defineResource<Configuration>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  namespaced: false,
});

async function world(t: TestContext) {
  const controlPlane = await createControlPlane({ database: ":memory:", clock: systemClock, random: systemRandom });
  t.after(() => controlPlane.close());
  const writes: string[] = [];
  const client = createKubeClient({
    baseUrl: "https://cluster.test",
    transport: withBearerToken(
      inProcess((request) => {
        if (request.method !== "GET")
          writes.push(`${request.method} ${new URL(request.url).pathname.split("/").at(-1)}`);
        return controlPlane.handle(request);
      }),
      controlPlane.adminToken,
    ),
  });
  const webhook = (name: string) => ({
    name: `${name}.machine-controller.kubermatic.io`,
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    clientConfig: { url: `https://127.0.0.1:1/${name}` },
  });
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "machine-controller" },
    webhooks: [webhook("machines"), webhook("machinesets")],
  };
  await client.create(configurations, configuration, { signal });
  writes.length = 0;
  const ensure = (nowMs = systemClock.now(), hosts: readonly string[] = ["127.0.0.1", "webhook.example.com"]) =>
    ensureManagedCertificate({
      client,
      namespace: "kube-system",
      serviceName: "machine-controller-webhook",
      hosts,
      webhookConfiguration: "machine-controller",
      nowMs,
      signal,
    });
  const trusted = async (): Promise<X509Certificate[]> => {
    const { webhooks } = await client.get(configurations, { name: "machine-controller" }, { signal });
    const bundles = new Set(webhooks.map(({ clientConfig }) => clientConfig.caBundle ?? ""));
    assert.equal(bundles.size, 1, "all webhooks trust the same");
    const pem = Buffer.from([...bundles].join(""), "base64").toString();
    return pem.split(/(?=-----BEGIN)/).map((part) => new X509Certificate(part));
  };
  return { client, writes, ensure, trusted };
}

test("a certificate is made, kept, and its authority told to every webhook; where all is well nothing is written", async (t) => {
  const { writes, ensure, trusted } = await world(t);
  const { certificatePem } = await ensure();
  assert.deepEqual(writes, ["POST secrets", "PATCH machine-controller"]);
  const certificate = new X509Certificate(certificatePem);
  assert.ok(certificate.checkHost("machine-controller-webhook.kube-system.svc"));
  assert.ok(certificate.checkHost("webhook.example.com"));
  assert.ok(certificate.checkIP("127.0.0.1"));
  const [authority, ...more] = await trusted();
  assert.ok(authority && certificate.verify(authority.publicKey));
  assert.deepEqual(more, []);
  assert.equal((await ensure()).certificatePem, certificatePem);
  assert.equal(writes.length, 2);
});

test("before it expires it is replaced, and the old authority stays trusted for whoever still serves with it", async (t) => {
  const { ensure, trusted } = await world(t);
  const old = await ensure();
  assert.equal((await ensure(systemClock.now() + 270 * DAY_MS)).certificatePem, old.certificatePem);
  const renewed = await ensure(systemClock.now() + 280 * DAY_MS);
  assert.notEqual(renewed.certificatePem, old.certificatePem);
  const verifies = (pem: string, authorities: X509Certificate[]) =>
    authorities.some(({ publicKey }) => new X509Certificate(pem).verify(publicKey));
  const both = await trusted();
  assert.ok(verifies(renewed.certificatePem, both) && verifies(old.certificatePem, both));
  const again = await ensure(systemClock.now() + 560 * DAY_MS);
  const latest = await trusted();
  assert.equal(latest.length, 2);
  assert.ok(verifies(again.certificatePem, latest) && verifies(renewed.certificatePem, latest));
});

test("what was taken out of the configuration is put back, and a damaged or foreign certificate is replaced", async (t) => {
  const { client, ensure, trusted } = await world(t);
  const { certificatePem } = await ensure();
  const body = [{ op: "remove", path: "/webhooks/1/clientConfig/caBundle" }];
  await client.patch(configurations, { name: "machine-controller" }, { type: "json", body }, { signal });
  assert.equal((await ensure()).certificatePem, certificatePem);
  assert.equal((await trusted()).length, 1);

  const data = { "ca.crt": "bm8=", "tls.crt": "bm8=", "tls.key": "bm8=" };
  await client.patch(coreResources.secrets, SECRET, { type: "merge", body: { data } }, { signal });
  const replaced = await ensure();
  assert.notEqual(replaced.certificatePem, certificatePem);
  assert.equal((await trusted()).length, 1);
  assert.notEqual((await ensure(undefined, ["other.example.com"])).certificatePem, replaced.certificatePem);
});

test("replicas that begin at the same time serve with one certificate", async (t) => {
  const { ensure } = await world(t);
  const made = await Promise.all([ensure(), ensure(), ensure()]);
  assert.equal(new Set(made.map(({ certificatePem }) => certificatePem)).size, 1);
});
