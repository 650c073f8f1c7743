import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { ProviderError } from "@machine-controller/provider";
import { createRedactor } from "../log/redactor.ts";
import type { Around } from "../observe/work.ts";
import { startTracing, wantsTraces } from "./tracing.ts";

type Span = {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  status: { code?: number; message?: string };
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
};
type Export = {
  resourceSpans: { resource: { attributes: Span["attributes"] }; scopeSpans: { spans: Span[] }[] }[];
};

/** As much of a collector as speaks OTLP/HTTP in JSON. */
async function startCollector(t: TestContext) {
  const received: { url: string; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      received.push({ url: request.url ?? "", body });
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

const attribute = (attributes: Span["attributes"], name: string) =>
  attributes.find(({ key }) => key === name)?.value.stringValue;

test("a reconcile becomes a trace whose spans lie within each other, and no secret leaves the process", async (t) => {
  const collector = await startCollector(t);
  const redactor = createRedactor();
  redactor.conceal("planted-secret");
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
    OTEL_SERVICE_NAME: "mc-test",
  };
  // The exporter reads the environment of its process.
  for (const [name, value] of Object.entries(environment)) process.env[name] = value;
  t.after(() => Object.keys(environment).forEach((name) => delete process.env[name]));
  const tracing = await startTracing({ environment, version: "1.2.3", redact: redactor.redact });
  const around: Around = tracing?.around ?? assert.fail("it should trace");

  await around(
    { kind: "api-request", verb: "watch", resource: "nodes", method: "GET", host: "api:6443" },
    async () => "not traced",
  );
  const failing = around({ kind: "reconcile", controller: "machine", key: "a/b", waitedMs: 3 }, () =>
    around({ kind: "effect", controller: "machine", key: "a/b", effect: "create" }, () =>
      around({ kind: "cloud-operation", provider: "hetzner", operation: "create", machine: "a/b" }, async () => {
        const request = { kind: "cloud-request", provider: "hetzner", method: "POST", host: "api" } as const;
        await around(request, async () => new Response(null, { status: 401 }));
        throw new ProviderError("Unauthorized", "token planted-secret is refused");
      }),
    ),
  );
  await assert.rejects(failing, { code: "Unauthorized" });
  await tracing?.close();

  assert.deepEqual(new Set(collector.received.map(({ url }) => url)), new Set(["/v1/traces"]));
  assert.ok(collector.received.every(({ body }) => !body.includes("planted-secret")));
  const { resourceSpans } = JSON.parse(collector.received[0]?.body ?? "{}") as Export;
  const [{ resource, scopeSpans } = assert.fail("nothing was sent")] = resourceSpans;
  assert.equal(attribute(resource.attributes, "service.name"), "mc-test");
  assert.equal(attribute(resource.attributes, "service.version"), "1.2.3");
  assert.equal(attribute(resource.attributes, "deployment.environment"), "test");
  const spans = scopeSpans.flatMap(({ spans }) => spans);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const way = (span: Span): string =>
    [span.parentSpanId && way(byId.get(span.parentSpanId) ?? assert.fail("no parent")), span.name]
      .filter(Boolean)
      .join(" > ");
  assert.deepEqual(
    new Set(spans.map(way)),
    new Set([
      "reconcile machine",
      "reconcile machine > effect create",
      "reconcile machine > effect create > hetzner create",
      "reconcile machine > effect create > hetzner create > POST hetzner",
    ]),
  );
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
  const root = spans.find(({ name }) => name === "reconcile machine");
  assert.deepEqual(root?.status, { code: 2, message: "token [redacted] is refused" });
  assert.equal(attribute(root?.attributes ?? [], "error.type"), "Unauthorized");
});

test("traces are off unless the standard's variables ask for them", async () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" };
  assert.ok(wantsTraces(endpoint));
  assert.ok(!wantsTraces({}));
  assert.ok(!wantsTraces({ ...endpoint, OTEL_SDK_DISABLED: "true" }));
  assert.ok(!wantsTraces({ ...endpoint, OTEL_TRACES_EXPORTER: "none" }));
  assert.equal(await startTracing({ environment: {}, version: "", redact: (text) => text }), undefined);
});
