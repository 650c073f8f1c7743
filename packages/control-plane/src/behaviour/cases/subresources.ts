/** The status and scale subresources. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal } from "../expect.ts";
import { deployment, node, pod } from "../manifests.ts";
import { installWidgets, widget } from "../widgets.ts";

export const subresourceCases = behaviour("subresources", {
  "a create carries no status where there is a status subresource": async (world) => {
    const widgets = await installWidgets(world);
    const { call, path } = world;
    const body = expectBody(
      await call("POST", widgets, { body: { ...widget(world, "a"), status: { phase: "x" } } }),
      201,
    );
    assert.equal(body["status"], undefined);
    const made = await call("POST", path("apps/v1/deployments"), {
      body: { ...deployment("d"), status: { replicas: 7 } },
    });
    assert.deepEqual(expectBody(made, 201)["status"], {});
  },
  "a Node may be created with its status": async ({ call, unique }) => {
    const status = { conditions: [{ type: "Ready", status: "True" }] };
    const answer = await call("POST", "/api/v1/nodes", { body: { ...node(unique("n")), status } });
    expectBody(answer, 201, { status: { conditions: [{ type: "Ready", status: "True" }] } });
  },
  "an update leaves the status alone": async (world) => {
    const { call } = world;
    const widgets = await installWidgets(world);
    await call("POST", widgets, { body: widget(world, "a") });
    const { body } = await call("PATCH", `${widgets}/a/status`, { body: { status: { phase: "x" } } });
    const next = { ...body, spec: { size: 5 }, status: { phase: "y" } };
    expectBody(await call("PUT", `${widgets}/a`, { body: next }), 200, { spec: { size: 5 }, status: { phase: "x" } });
  },
  "a status update leaves spec and labels of a custom object alone": async (world) => {
    const { call } = world;
    const widgets = await installWidgets(world);
    const { body } = await call("POST", widgets, { body: widget(world, "a") });
    const metadata = { ...body.metadata, labels: { x: "y" } };
    const answer = await call("PUT", `${widgets}/a/status`, {
      body: { ...body, metadata, spec: { size: 9 }, status: { phase: "x" } },
    });
    const updated = expectBody(answer, 200, { spec: { size: 3 }, status: { phase: "x" } });
    assert.equal(updated.metadata.labels, undefined);
  },
  "a status update of a Node may change its labels": async ({ call, unique }) => {
    const at = `/api/v1/nodes/${unique("n")}`;
    await call("POST", "/api/v1/nodes", { body: node(unique("n")) });
    const body = { metadata: { labels: { x: "y" } }, status: { phase: "Running" }, spec: { unschedulable: true } };
    const answer = expectBody(await call("PATCH", `${at}/status`, { body }), 200, { metadata: { labels: { x: "y" } } });
    assert.equal((answer["spec"] as { unschedulable?: boolean }).unschedulable, undefined);
  },
  "a status update with a stale resourceVersion conflicts": async (world) => {
    const { call } = world;
    const widgets = await installWidgets(world);
    const { body } = await call("POST", widgets, { body: widget(world, "a") });
    await call("PATCH", `${widgets}/a/status`, { body: { status: { n: 1 } } });
    expectBody(await call("PUT", `${widgets}/a/status`, { body: { ...body, status: { n: 2 } } }), 409, {
      reason: "Conflict",
    });
  },
  "the status is read through its own path too": async ({ call, path }) => {
    await call("POST", path("pods"), { body: pod("p") });
    expectBody(await call("GET", `${path("pods")}/p/status`), 200, { kind: "Pod", status: { phase: "Pending" } });
  },
  "status of a kind without one is not found": async ({ call, path }) => {
    expectRefusal(await call("GET", `${path("configmaps")}/a/status`), 404, {
      reason: "NotFound",
      message: "the server could not find the requested resource",
    });
  },
  "scale shows the replica fields of the kind": async (world) => {
    const { call, namespace } = world;
    const widgets = await installWidgets(world);
    const { body: made } = await call("POST", widgets, {
      body: widget(world, "a", { size: 1, replicas: 2, selector: "app=x" }),
    });
    await call("PATCH", `${widgets}/a/status`, { body: { status: { replicas: 1 } } });
    const body = expectBody(await call("GET", `${widgets}/a/scale`), 200, {
      apiVersion: "autoscaling/v1",
      kind: "Scale",
      metadata: { name: "a", namespace, uid: made.metadata.uid, creationTimestamp: made.metadata.creationTimestamp },
    });
    assert.deepEqual([body["spec"], body["status"]], [{ replicas: 2 }, { replicas: 1, selector: "app=x" }]);
  },
  "scale of a Deployment shows its selector as text": async ({ call, path }) => {
    const selector = {
      matchLabels: { app: "d" },
      matchExpressions: [{ key: "x", operator: "NotIn", values: ["a", "b"] }],
    };
    await call("POST", path("apps/v1/deployments"), { body: deployment("d", { selector, replicas: 0 }) });
    const body = expectBody(await call("GET", `${path("apps/v1/deployments")}/d/scale`), 200);
    assert.deepEqual([body["spec"], body["status"]], [{}, { replicas: 0, selector: "app=d,x notin (a,b)" }]);
  },
  "a scale update changes the replicas and nothing else": async (world) => {
    const { call } = world;
    const widgets = await installWidgets(world);
    await call("POST", widgets, { body: widget(world, "a") });
    const { body: scale } = await call("GET", `${widgets}/a/scale`);
    expectBody(await call("PUT", `${widgets}/a/scale`, { body: { ...scale, spec: { replicas: 5 } } }), 200, {
      kind: "Scale",
      spec: { replicas: 5 },
    });
    expectBody(await call("GET", `${widgets}/a`), 200, { spec: { replicas: 5, size: 3 } });
  },
  "a scale update with a stale resourceVersion conflicts": async (world) => {
    const { call } = world;
    const widgets = await installWidgets(world);
    await call("POST", widgets, { body: widget(world, "a") });
    const { body: scale } = await call("GET", `${widgets}/a/scale`);
    await call("PATCH", `${widgets}/a`, { body: { spec: { size: 4 } } });
    expectBody(await call("PUT", `${widgets}/a/scale`, { body: { ...scale, spec: { replicas: 5 } } }), 409, {
      reason: "Conflict",
    });
  },
  "negative replicas are refused": async (world) => {
    const { call } = world;
    const widgets = await installWidgets(world);
    await call("POST", widgets, { body: widget(world, "a") });
    expectInvalid(await call("PATCH", `${widgets}/a/scale`, { body: { spec: { replicas: -1 } } }), [
      {
        field: ".spec.replicas",
        reason: "FieldValueInvalid",
        message: /^Invalid value: -1: (should be a non-negative integer|must be greater than or equal to 0)$/,
      },
    ]);
  },
  "scale of an object that is not there is not found": async (world) => {
    const widgets = await installWidgets(world);
    expectRefusal(await world.call("GET", `${widgets}/none/scale`), 404, {
      reason: "NotFound",
      message: `widgets.${world.group} "none" not found`,
    });
  },
  "who applies a status owns nothing else": async (world) => {
    const widgets = await installWidgets(world);
    const { call, group } = world;
    expectBody(await call("POST", widgets, { body: widget(world, "a") }), 201);
    const applied = { apiVersion: `${group}/v1`, kind: "Widget", metadata: { name: "a", labels: { x: "y" } } };
    const answer = await call("PATCH", `${widgets}/a/status?fieldManager=m`, {
      body: JSON.stringify({ ...applied, spec: { size: 9 }, status: { phase: "x" } }),
      type: "application/apply-patch+yaml",
    });
    const { metadata } = expectBody(answer, 200, { spec: { size: 3 }, status: { phase: "x" } });
    assert.equal(metadata.labels, undefined);
    const own = metadata.managedFields?.find(({ manager }) => manager === "m");
    assert.deepEqual(own?.["fieldsV1"], { "f:status": { "f:phase": {} } });
  },
});
