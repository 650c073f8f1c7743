// Webhooks beside the controllers, in one process, with a certificate in files that somebody else renews.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { createAuthorityKeys } from "@machine-controller/control-plane";
import { systemClock } from "@machine-controller/kube-runtime";
import { systemRandom } from "../../../apps/machine-controller/src/environment.ts";
import { freePorts } from "../../peers/free-ports.ts";
import { startController } from "../controller-process.ts";
import { startEmbeddedCluster } from "./embedded-cluster.ts";

test("a controller serves the webhooks too when asked, and a certificate that is renewed without a restart", async (t) => {
  const cluster = await startEmbeddedCluster(t);
  const { port } = await freePorts("port");
  const folder = mkdtempSync(join(tmpdir(), "certificate-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [certificate, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  const renew = async (): Promise<string> => {
    const pair = await createAuthorityKeys({ clock: systemClock, random: systemRandom });
    writeFileSync(certificate, pair.certificatePem);
    writeFileSync(key, pair.privateKeyPem);
    return new X509Certificate(pair.certificatePem).fingerprint256;
  };
  const served = async (): Promise<string | undefined> => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { fingerprint256 } = socket.getPeerX509Certificate() ?? {};
    socket.destroy();
    return fingerprint256;
  };

  const first = await renew();
  const controller = startController([
    `-kubeconfig=${cluster.kubeconfig}`,
    "-health-probe-address=0",
    "-metrics-address=0",
    `-webhook-listen-address=127.0.0.1:${port}`,
    `-tls-cert-path=${certificate}`,
    `-tls-key-path=${key}`,
  ]);
  t.after(() => controller.stop());
  await Promise.all([controller.printed(/serving webhooks/), controller.printed(/caches are filled/)]);
  assert.equal(await served(), first);

  const object = { apiVersion: "cluster.k8s.io/v1alpha1", kind: "Machine", metadata: { name: "m" }, spec: {} };
  const review = {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { uid: "u", operation: "CREATE", kind: { kind: "Machine" }, object },
  };
  const headers = { "content-type": "application/json" };
  const asked = request({ port, path: "/machines", method: "POST", headers, rejectUnauthorized: false });
  asked.end(JSON.stringify(review));
  const [answer] = await once(asked, "response");
  assert.match(await text(answer), /providerSpec, versions must be set/);

  const next = await renew();
  await controller.printed(/serving with a new certificate/);
  assert.equal(await served(), next);

  // A pair that does not fit together, as while two files are replaced, is not served.
  const { privateKeyPem } = await createAuthorityKeys({ clock: systemClock, random: systemRandom });
  writeFileSync(key, privateKeyPem);
  await controller.printed(/tls\.key is not the key of/);
  assert.equal(await served(), next);

  controller.signal("SIGTERM");
  assert.equal(await controller.exited, 0);
});
