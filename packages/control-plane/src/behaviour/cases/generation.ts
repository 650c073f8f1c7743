/** metadata.generation: which changes raise it. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody } from "../expect.ts";
import { configMap, deployment, lease, node, pod } from "../manifests.ts";
import { installWidgets, widget } from "../widgets.ts";

export const generationCases = behaviour("generation", {
  "a Deployment starts at 1, and spec changes raise it": async ({ call, path }) => {
    const deployments = path("apps/v1/deployments");
    expectBody(await call("POST", deployments, { body: deployment("a") }), 201, { metadata: { generation: 1 } });
    const at = `${deployments}/a`;
    expectBody(await call("PATCH", at, { body: { spec: { minReadySeconds: 3 } } }), 200, {
      metadata: { generation: 2 },
    });
    expectBody(await call("PATCH", at, { body: { metadata: { labels: { x: "y" } } } }), 200, {
      metadata: { generation: 2 },
    });
    expectBody(await call("PATCH", `${at}/status`, { body: { status: { replicas: 0, observedGeneration: 9 } } }), 200, {
      metadata: { generation: 2 },
    });
  },
  "a Deployment's annotations raise it, a quirk of that kind": async ({ call, path }) => {
    const deployments = path("apps/v1/deployments");
    await call("POST", deployments, { body: deployment("a") });
    expectBody(await call("PATCH", `${deployments}/a`, { body: { metadata: { annotations: { x: "y" } } } }), 200, {
      metadata: { generation: 2 },
    });
  },
  "kinds that keep none have none": async ({ call, path, unique }) => {
    const answers = [
      await call("POST", path("configmaps"), { body: configMap("a") }),
      await call("POST", path("coordination.k8s.io/v1/leases"), { body: lease("a") }),
      await call("POST", "/api/v1/nodes", { body: node(unique("n")) }),
    ];
    for (const answer of answers) assert.equal("generation" in expectBody(answer, 201).metadata, false);
  },
  "a Pod keeps one": async ({ call, path }) => {
    expectBody(await call("POST", path("pods"), { body: pod("a") }), 201, { metadata: { generation: 1 } });
    const image = { spec: { containers: [{ name: "app", image: "registry.example/app:2" }] } };
    const type = "application/strategic-merge-patch+json";
    expectBody(await call("PATCH", `${path("pods")}/a`, { type, body: image }), 200, { metadata: { generation: 2 } });
  },
  "with a status subresource, spec changes raise it and status changes do not": async (world) => {
    const { call } = world;
    const widgets = await installWidgets(world);
    expectBody(await call("POST", widgets, { body: widget(world, "a") }), 201, { metadata: { generation: 1 } });
    expectBody(await call("PATCH", `${widgets}/a`, { body: { metadata: { labels: { a: "b" } } } }), 200, {
      metadata: { generation: 1 },
    });
    expectBody(await call("PATCH", `${widgets}/a/status`, { body: { status: { phase: "x" } } }), 200, {
      metadata: { generation: 1 },
      status: { phase: "x" },
    });
    expectBody(await call("PATCH", `${widgets}/a`, { body: { spec: { size: 4 } } }), 200, {
      metadata: { generation: 2 },
    });
    expectBody(await call("PATCH", `${widgets}/a`, { body: { spec: { size: 4 } } }), 200, {
      metadata: { generation: 2 },
    });
  },
  "without a status subresource, any change but metadata raises it": async (world) => {
    const { call } = world;
    const widgets = await installWidgets(world, {
      plural: "plains",
      change: (version) => delete version["subresources"],
    });
    const body = { ...widget(world, "a", { size: 1 }), kind: "Plain", status: { phase: "new" } };
    expectBody(await call("POST", widgets, { body }), 201, { metadata: { generation: 1 }, status: { phase: "new" } });
    expectBody(await call("PATCH", `${widgets}/a`, { body: { status: { phase: "old" } } }), 200, {
      metadata: { generation: 2 },
      status: { phase: "old" },
    });
    expectBody(await call("PATCH", `${widgets}/a`, { body: { metadata: { annotations: { a: "b" } } } }), 200, {
      metadata: { generation: 2 },
    });
    assert.equal((await call("GET", `${widgets}/a/status`)).status, 404);
  },
  "scaling raises it": async (world) => {
    const { call } = world;
    const widgets = await installWidgets(world);
    await call("POST", widgets, { body: widget(world, "a") });
    await call("PATCH", `${widgets}/a/scale`, { body: { spec: { replicas: 3 } } });
    expectBody(await call("GET", `${widgets}/a`), 200, { metadata: { generation: 2 }, spec: { replicas: 3 } });
  },
  "being deleted raises it once": async (world) => {
    const { call } = world;
    const widgets = await installWidgets(world);
    const held = { ...widget(world, "a"), metadata: { name: "a", finalizers: ["example.com/hold"] } };
    await call("POST", widgets, { body: held });
    expectBody(await call("DELETE", `${widgets}/a`), 200, { metadata: { generation: 2 } });
    expectBody(await call("DELETE", `${widgets}/a`), 200, { metadata: { generation: 2 } });
  },
});
