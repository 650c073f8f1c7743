import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createWorld } from "../behaviour/test-world.ts";
import { createHttpsTransport } from "./https-transport.ts";

test("a webhook's certificate is held to the bundle of its configuration and to its own name", async (t) => {
  const { controlPlane } = await createWorld(t, {
    clock: { now: () => Date.now(), sleep: () => new Promise(() => {}) },
  });
  const { certificatePem, privateKeyPem } = await controlPlane.servingCertificate({
    dnsNames: ["hook.default.svc"],
    ipAddresses: [],
  });
  const server = createServer({ key: privateKeyPem, cert: certificatePem }, (request, response) => {
    response.end(`${request.method} ${request.url} ${request.headers.host}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = new AbortController();
  t.after(() => {
    stop.abort();
    server.close();
    server.closeAllConnections();
  });
  const address = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  const call = createHttpsTransport({ closing: stop.signal });
  const common = { address, body: "{}", signal: stop.signal, caBundle: controlPlane.caCertificatePem };
  assert.deepEqual(await call({ ...common, url: "https://hook.default.svc:443/x?timeout=1s" }), {
    status: 200,
    text: "POST /x?timeout=1s hook.default.svc",
  });
  await assert.rejects(
    call({ ...common, url: "https://other.default.svc:443/" }),
    /certificate is not valid for other.default.svc/,
  );
  const { caBundle: _caBundle, ...unpinned } = common;
  await assert.rejects(
    call({ ...unpinned, url: "https://hook.default.svc:443/" }),
    /certificate signed by unknown authority/,
  );
  await assert.rejects(
    call({ ...common, address: { host: "127.0.0.1", port: 1 }, url: "https://hook.default.svc:443/" }),
    /^Error: dial tcp 127.0.0.1:1: connect: connection refused$/,
  );
});
