// A cloud that repeats the credential in everything it says: nothing that the controller says may.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { machines } from "@machine-controller/controllers";
import type { Machine } from "@machine-controller/api";
import { coreResources } from "@machine-controller/kube-client";
import { freePorts } from "../../peers/free-ports.ts";
import { startController } from "../controller-process.ts";
import { until } from "../until.ts";
import { startEmbeddedCluster } from "./embedded-cluster.ts";

const { signal } = new AbortController();
const PATIENCE = { timeoutMs: 60_000, pollMs: 100, signal, progress: () => undefined, quietMs: 60_000 };
const PLANTED = "planted-t0ken/with+signs=and-more";
const FORMS = [PLANTED, encodeURIComponent(PLANTED), Buffer.from(PLANTED).toString("base64")];

async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, body: string) => [status: number, body: string],
) {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("latin1").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      bodies.push(body);
      const [status, text] = answer(request, body);
      response.writeHead(status, { "content-type": "application/json" }).end(text);
    });
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

test("a credential that a cloud repeats is in no log, event, status, metric or trace", async (t) => {
  const cluster = await startEmbeddedCluster(t);
  const { client } = cluster;
  const cloud = await serve(t, ({ headers }) => {
    const token = headers.authorization?.replace("Bearer ", "") ?? "";
    const message = `token ${token} (${encodeURIComponent(token)}, ${Buffer.from(token).toString("base64")}) is unknown`;
    return [401, JSON.stringify({ error: { code: "unauthorized", message, details: null } })];
  });
  const collector = await serve(t, () => [200, "{}"]);
  const reference = { namespace: "kube-system", name: "cloud", key: "token" };
  await client.create(
    coreResources.secrets,
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace: "kube-system", name: "cloud" },
      stringData: { token: PLANTED },
    },
    { signal },
  );
  const value = {
    cloudProvider: "hetzner",
    cloudProviderSpec: { token: { secretKeyRef: reference }, serverType: "cx23", location: "nbg1" },
    operatingSystem: "ubuntu",
  };
  const machine = {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: { namespace: "kube-system", name: "m" },
    spec: { providerSpec: { value }, versions: { kubelet: "1.36.2" } },
  } as Machine;
  await client.create(machines, machine, { signal });

  const ports = await freePorts("health", "metrics");
  const controller = startController(
    [
      `-kubeconfig=${cluster.kubeconfig}`,
      `-health-probe-address=127.0.0.1:${ports.health}`,
      `-metrics-address=127.0.0.1:${ports.metrics}`,
      "-log-debug",
    ],
    { HCLOUD_ENDPOINT: `${cloud.url}/v1`, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  );
  t.after(() => controller.stop());
  await until(
    "the Machine says that the credential is refused",
    async () => {
      const { status } = await client.get(machines, { namespace: "kube-system", name: "m" }, { signal });
      return status?.errorMessage ? { done: true } : { pending: JSON.stringify(status) };
    },
    PATIENCE,
  );
  const events = await until(
    "an Event says so too",
    async () => {
      const { items } = await client.listAll(coreResources.events, { signal });
      return items.some(({ message }) => message?.includes("is unknown")) ? { done: items } : { pending: "none yet" };
    },
    PATIENCE,
  );
  const status = await client.get(machines, { namespace: "kube-system", name: "m" }, { signal });
  const metrics = await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text();
  assert.match(
    metrics,
    /machine_controller_cloud_request_duration_seconds_count\{provider="hetzner",method="GET",code="401"\} [1-9]/,
  );
  assert.equal(await controller.stop(), 0);

  const log = controller.output();
  const emitted = {
    log,
    metrics,
    events: JSON.stringify(events),
    status: JSON.stringify(status),
    traces: collector.bodies.join("\n"),
  };
  for (const [where, text] of Object.entries(emitted)) {
    for (const form of FORMS) assert.ok(!text.includes(form), `${where} shows ${form}`);
    if (where !== "metrics")
      assert.match(text, /token \[redacted\] \(\[redacted\], \[redacted\]=?\) is unknown/, where);
  }
  const line = log.split("\n").find((text) => text.includes('"code":"Unauthorized"')) ?? assert.fail(log);
  const { controller: name, machine: key, provider, requestId } = JSON.parse(line) as Record<string, string>;
  assert.deepEqual([name, key, provider], ["machine", "kube-system/m", "hetzner"]);
  assert.match(requestId ?? "", /^[0-9a-f]{12}$/);
});
