// The whole way of production: kubeconfig, client certificate, TLS, a watch beside requests.
import { createControlPlane, serveControlPlane } from "@machine-controller/control-plane";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "./clock.ts";
import { coreResources } from "./core-resources.ts";
import { isKubeError } from "./kube-error.ts";
import { connectKubeconfig } from "./kubeconfig.ts";

const { configMaps } = coreResources;

test("a kubeconfig with CA and client certificate reaches a served API; another CA does not", async (t) => {
  const { signal } = new AbortController();
  const random = { bytes: (n: number) => new Uint8Array(randomBytes(n)) };
  const controlPlane = await createControlPlane({ database: ":memory:", clock: systemClock, random });
  const served = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
  const folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  const path = join(folder, "config");
  writeFileSync(path, await controlPlane.kubeconfig({ server: served.url }));
  const { client, close } = await connectKubeconfig({ kubeconfig: path });
  t.after(async () => {
    await close();
    await served.close();
    controlPlane.close();
    rmSync(folder, { recursive: true });
  });

  const { resourceVersion } = await client.listAll(configMaps, { namespace: "default", signal });
  const watch = client.watch(configMaps, { namespace: "default", resourceVersion, signal })[Symbol.asyncIterator]();
  const next = watch.next();
  const object = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a", namespace: "default" },
    data: { a: "é" },
  };
  const created = await client.create(configMaps, object, { signal });
  assert.deepEqual(await next, { done: false, value: { type: "ADDED", object: created } });
  await watch.return?.(undefined);

  const other = await createControlPlane({ database: ":memory:", clock: systemClock, random });
  writeFileSync(path, await other.kubeconfig({ server: served.url }));
  other.close();
  const stranger = await connectKubeconfig({ kubeconfig: path });
  const refused = stranger.client.list(configMaps, { signal });
  await assert.rejects(refused, (error) => isKubeError(error, "Unreachable"));
  await stranger.close();
});
