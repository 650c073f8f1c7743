/** Replacing objects: optimistic concurrency, what may change, and what a write that changes nothing does. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal } from "../expect.ts";
import { configMap, deployment, lease, node, pod } from "../manifests.ts";

const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";

export const updateCases = behaviour("update", {
  "an update with a stale resourceVersion conflicts": async ({ call, path }) => {
    const at = `${path("configmaps")}/a`;
    const { body: created } = await call("POST", path("configmaps"), { body: configMap("a") });
    expectBody(await call("PUT", at, { body: { ...created, data: { k: "1" } } }), 200);
    expectRefusal(await call("PUT", at, { body: { ...created, data: { k: "2" } } }), 409, {
      reason: "Conflict",
      message: `Operation cannot be fulfilled on configmaps "a": ${MODIFIED}`,
      details: { name: "a", kind: "configmaps" },
    });
    expectBody(await call("GET", at), 200, { data: { k: "1" } });
  },
  "an update without a resourceVersion is unconditional for most kinds": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("a", { k: "1" }) });
    expectBody(await call("PUT", `${path("configmaps")}/a`, { body: configMap("a", { k: "2" }) }), 200, {
      data: { k: "2" },
    });
  },
  "a Lease insists on a resourceVersion": async ({ call, path }) => {
    const leases = path("coordination.k8s.io/v1/leases");
    await call("POST", leases, { body: lease("a") });
    const answer = await call("PUT", `${leases}/a`, { body: lease("a", { holderIdentity: "x" }) });
    expectInvalid(answer, [
      {
        field: "metadata.resourceVersion",
        reason: "FieldValueInvalid",
        message: "Invalid value: 0: must be specified for an update",
      },
    ]);
    assert.equal(
      answer.body["message"],
      'leases.coordination.k8s.io "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
  },
  "each write raises the resourceVersion": async ({ call, path }) => {
    const { body: first } = await call("POST", path("configmaps"), { body: configMap("a") });
    const { body: second } = await call("PUT", `${path("configmaps")}/a`, { body: configMap("a", { k: "1" }) });
    assert.ok(Number(second.metadata.resourceVersion) > Number(first.metadata.resourceVersion));
    assert.equal(second.metadata.uid, first.metadata.uid);
    assert.equal(second.metadata.creationTimestamp, first.metadata.creationTimestamp);
  },
  "an update that changes nothing keeps the resourceVersion": async ({ call, path }) => {
    const { body: first } = await call("POST", path("configmaps"), { body: configMap("a", { k: "v" }) });
    const { body: second } = await call("PUT", `${path("configmaps")}/a`, { body: first });
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    const { body: third } = await call("PATCH", `${path("configmaps")}/a`, { body: { data: { k: "v" } } });
    assert.equal(third.metadata.resourceVersion, first.metadata.resourceVersion);
  },
  "a uid that is not the object's conflicts": async ({ call, path }) => {
    const { body: created } = await call("POST", path("configmaps"), { body: configMap("a") });
    const uid = "11111111-1111-4111-8111-111111111111";
    expectRefusal(await call("PUT", `${path("configmaps")}/a`, { body: configMap("a", {}, { uid }) }), 409, {
      reason: "Conflict",
      message: new RegExp(
        `^Operation cannot be fulfilled on configmaps "a": .*Precondition failed: UID in precondition: ${uid}, UID in object meta: ${created.metadata.uid}$`,
      ),
    });
  },
  "the name in the body must be that of the path": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("a") });
    expectRefusal(await call("PUT", `${path("configmaps")}/a`, { body: configMap("b") }), 400, {
      reason: "BadRequest",
      message: "the name of the object (b) does not match the name on the URL (a)",
    });
  },
  "an update must name its object": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("a") });
    const answer = await call("PUT", `${path("configmaps")}/a`, { body: { apiVersion: "v1", kind: "ConfigMap" } });
    expectRefusal(answer, 400, {
      reason: "BadRequest",
      message: "the name of the object (a based on URL) was undeterminable: name must be provided",
    });
  },
  "an update does not create": async ({ call, path }) => {
    expectRefusal(await call("PUT", `${path("configmaps")}/a`, { body: configMap("a") }), 404, {
      reason: "NotFound",
      message: 'configmaps "a" not found',
    });
  },
  "an update may create a Lease": async ({ call, path }) => {
    const leases = path("coordination.k8s.io/v1/leases");
    expectBody(await call("PUT", `${leases}/a`, { body: lease("a", { holderIdentity: "x" }) }), 201, {
      spec: { holderIdentity: "x" },
    });
  },
  "a dry update answers as the real thing and stores nothing": async ({ call, path }) => {
    const { body: created } = await call("POST", path("configmaps"), { body: configMap("a") });
    const at = `${path("configmaps")}/a`;
    const { metadata } = expectBody(await call("PUT", `${at}?dryRun=All`, { body: configMap("a", { k: "1" }) }), 200, {
      data: { k: "1" },
    });
    assert.equal(metadata.resourceVersion, created.metadata.resourceVersion);
    assert.deepEqual((await call("GET", at)).body, created);
  },
  "labels that are left out of an update are gone": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("a", {}, { labels: { x: "y" } }) });
    const body = expectBody(await call("PUT", `${path("configmaps")}/a`, { body: configMap("a") }), 200);
    assert.equal("labels" in body.metadata, false);
  },
  "the data of an immutable ConfigMap cannot change": async ({ call, path }) => {
    const at = `${path("configmaps")}/a`;
    await call("POST", path("configmaps"), { body: { ...configMap("a", { k: "1" }), immutable: true } });
    expectInvalid(await call("PATCH", at, { body: { data: { k: "2" } } }), [
      {
        field: "data",
        reason: "FieldValueForbidden",
        message: "Forbidden: field is immutable when `immutable` is set",
      },
    ]);
    expectInvalid(await call("PATCH", at, { body: { immutable: null } }), [
      {
        field: "immutable",
        reason: "FieldValueForbidden",
        message: "Forbidden: field is immutable when `immutable` is set",
      },
    ]);
    expectBody(await call("PATCH", at, { body: { metadata: { labels: { x: "y" } } } }), 200);
  },
  "the type of a Secret cannot change": async ({ call, path }) => {
    await call("POST", path("secrets"), { body: { apiVersion: "v1", kind: "Secret", metadata: { name: "a" } } });
    expectInvalid(await call("PATCH", `${path("secrets")}/a`, { body: { type: "other" } }), [
      { field: "type", reason: "FieldValueInvalid", message: 'Invalid value: "other": field is immutable' },
    ]);
  },
  "the selector of a Deployment cannot change": async ({ call, path }) => {
    const deployments = path("apps/v1/deployments");
    await call("POST", deployments, { body: deployment("a") });
    const patch = {
      spec: { selector: { matchLabels: { app: "b" } }, template: { metadata: { labels: { app: "b" } } } },
    };
    expectInvalid(await call("PATCH", `${deployments}/a`, { body: patch }), [
      { field: "spec.selector", reason: "FieldValueInvalid", message: /^Invalid value: .*: field is immutable$/ },
    ]);
  },
  "the containers of a Pod cannot change, but for their image": async ({ call, path }) => {
    await call("POST", path("pods"), { body: pod("a") });
    const at = `${path("pods")}/a`;
    const refused = await call("PATCH", at, { body: { spec: { nodeSelector: { a: "b" } } } });
    expectInvalid(refused, [
      {
        field: "spec",
        reason: "FieldValueForbidden",
        message: /^Forbidden: pod updates may not change fields other than /,
      },
    ]);
    const image = { spec: { containers: [{ name: "app", image: "registry.example/app:2" }] } };
    expectBody(await call("PATCH", at, { type: "application/strategic-merge-patch+json", body: image }), 200);
  },
  "a providerID of a Node cannot change once it is set": async ({ call, unique }) => {
    const name = unique("n");
    await call("POST", "/api/v1/nodes", { body: node(name) });
    expectBody(await call("PATCH", `/api/v1/nodes/${name}`, { body: { spec: { providerID: "cloud://1" } } }), 200);
    expectInvalid(await call("PATCH", `/api/v1/nodes/${name}`, { body: { spec: { providerID: "cloud://2" } } }), [
      {
        field: "spec.providerID",
        reason: "FieldValueForbidden",
        message: 'Forbidden: node updates may not change providerID except from "" to valid',
      },
    ]);
  },
  "one of two writers at once loses": async ({ call, path }) => {
    const { body: created } = await call("POST", path("configmaps"), { body: configMap("a") });
    const answers = await Promise.all(
      ["1", "2", "3"].map((k) => call("PUT", `${path("configmaps")}/a`, { body: { ...created, data: { k } } })),
    );
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 409, 409],
    );
  },
});
