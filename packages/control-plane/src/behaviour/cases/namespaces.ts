/** The life of a Namespace, and what each one holds. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { isEqual } from "../../object.ts";
import { expectBody, expectInvalid, expectRefusal, itemsAt } from "../expect.ts";
import { configMap } from "../manifests.ts";
import { installWidgets, widget } from "../widgets.ts";

export const namespaceCases = behaviour("namespaces", {
  "a new namespace is active and bears its name as a label": async ({ call, unique }) => {
    const name = unique("x");
    expectBody(await call("POST", "/api/v1/namespaces", { body: { metadata: { name } } }), 201, {
      kind: "Namespace",
      metadata: { labels: { "kubernetes.io/metadata.name": name } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  },
  "the label of its name cannot be taken off": async ({ call, namespace }) => {
    const labels = { "kubernetes.io/metadata.name": null };
    expectBody(await call("PATCH", `/api/v1/namespaces/${namespace}`, { body: { metadata: { labels } } }), 200, {
      metadata: { labels: { "kubernetes.io/metadata.name": namespace } },
    });
  },
  "there are the four namespaces of every cluster": async ({ until }) => {
    for (const name of ["default", "kube-system", "kube-public", "kube-node-lease"]) {
      await until(`/api/v1/namespaces/${name}`, (object) => object !== undefined);
    }
  },
  "a namespace gets a default ServiceAccount and the cluster's CA": async ({ path, until }) => {
    await until(`${path("serviceaccounts")}/default`, (object) => object !== undefined);
    await until(`${path("configmaps")}/kube-root-ca.crt`, (object) =>
      JSON.stringify(object?.["data"] ?? {}).includes("BEGIN CERTIFICATE"),
    );
  },
  "the default ServiceAccount comes back": async ({ call, path, until }) => {
    const at = `${path("serviceaccounts")}/default`;
    await until(at, (object) => object !== undefined);
    const { body } = await call("GET", at);
    await call("DELETE", at);
    await until(at, (object) => object !== undefined && object.metadata.uid !== body.metadata.uid);
  },
  "a deleted namespace takes its contents along": async ({ call, path, namespace, until }) => {
    await call("POST", path("configmaps"), { body: configMap("a") });
    await call("POST", path("secrets"), { body: { metadata: { name: "a" } } });
    expectBody(await call("DELETE", `/api/v1/namespaces/${namespace}`), 200, {
      kind: "Namespace",
      status: { phase: "Terminating" },
    });
    await until(`/api/v1/namespaces/${namespace}`, (object) => object === undefined);
    assert.equal((await call("GET", `${path("configmaps")}/a`)).status, 404);
  },
  "custom objects go with their namespace": async (world) => {
    const widgets = await installWidgets(world);
    await world.call("POST", widgets, { body: widget(world, "a") });
    const at = `/api/v1/namespaces/${world.namespace}`;
    await world.call("DELETE", at);
    await world.until(at, (object) => object === undefined);
    assert.equal((await world.call("GET", `${widgets}/a`)).status, 404);
  },
  "nothing new is created in a namespace that goes": async ({ call, path, namespace, until }) => {
    await call("POST", path("configmaps"), { body: configMap("held", {}, { finalizers: ["example.com/hold"] }) });
    await call("DELETE", `/api/v1/namespaces/${namespace}`);
    expectRefusal(await call("POST", path("configmaps"), { body: configMap("late") }), 403, {
      reason: "Forbidden",
      message: `configmaps "late" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
      details: {
        name: "late",
        kind: "configmaps",
        causes: [
          {
            reason: "NamespaceTerminating",
            message: `namespace ${namespace} is being terminated`,
            field: "metadata.namespace",
          },
        ],
      },
    });
    await until(`${path("configmaps")}/held`, (object) => object?.metadata.deletionTimestamp !== undefined);
    expectBody(await call("GET", `/api/v1/namespaces/${namespace}`), 200, { status: { phase: "Terminating" } });
    expectBody(await call("PATCH", `${path("configmaps")}/held`, { body: { metadata: { finalizers: null } } }), 200);
    await until(`/api/v1/namespaces/${namespace}`, (object) => object === undefined);
  },
  "the namespaces of the system stay": async ({ call }) => {
    expectRefusal(await call("DELETE", "/api/v1/namespaces/default"), 403, {
      reason: "Forbidden",
      message: 'namespaces "default" is forbidden: this namespace may not be deleted',
    });
  },
  "namespaces are not deleted as a collection": async ({ call }) => {
    expectRefusal(await call("DELETE", "/api/v1/namespaces"), 405, {
      reason: "MethodNotAllowed",
      message: "the server does not allow this method on the requested resource",
    });
  },
  "the finalizers of a namespace are changed by its finalize alone": async ({ call, unique, until }) => {
    const at = `/api/v1/namespaces/${unique("f")}`;
    const body = { metadata: { name: unique("f") }, spec: { finalizers: ["example.com/x"] } };
    const finalizers = ["example.com/x", "kubernetes"];
    expectBody(await call("POST", "/api/v1/namespaces", { body }), 201, { spec: { finalizers } });
    const patch = { spec: { finalizers: ["example.com/y"] } };
    expectBody(await call("PATCH", at, { body: patch }), 200, { spec: { finalizers } });
    for (const method of ["GET", "PATCH"]) {
      const answer = await call(method, `${at}/finalize`, method === "PATCH" ? { body: {} } : {});
      expectBody(answer, 405, { reason: "MethodNotAllowed" });
    }
    const finalize = (names: string[]) =>
      call("PUT", `${at}/finalize`, { body: { metadata: body.metadata, spec: { finalizers: names } } });
    expectInvalid(await finalize(["bad"]), [
      {
        field: "spec.finalizers[0]",
        reason: "FieldValueInvalid",
        message: 'Invalid value: "bad": name is neither a standard finalizer name nor is it fully qualified',
      },
    ]);
    const { managedFields = [] } = expectBody(await finalize(["example.com/x"]), 200, {
      spec: { finalizers: ["example.com/x"] },
      status: { phase: "Active" },
    }).metadata;
    assert.ok(managedFields.some(({ subresource }) => subresource === "finalize"));
    expectBody(await call("DELETE", at), 200);
    expectBody(await call("GET", at), 200, { status: { phase: "Terminating" } });
    expectBody(await finalize([]), 200);
    await until(at, (object) => object === undefined);
  },
  "a namespace says what keeps it": async ({ call, unique, until }) => {
    const name = unique("k");
    const at = `/api/v1/namespaces/${name}`;
    expectBody(await call("POST", "/api/v1/namespaces", { body: { metadata: { name } } }), 201);
    const held = configMap("held", {}, { finalizers: ["x.y/a"] });
    expectBody(await call("POST", `${at}/configmaps`, { body: held }), 201);
    const deleted = expectBody(await call("DELETE", at), 200, { status: { phase: "Terminating" } });
    assert.equal(deleted.metadata.deletionGracePeriodSeconds, undefined);
    const said = (object: unknown) =>
      Object.fromEntries(itemsAt(object, "status.conditions").map(({ type, message }) => [type, message]));
    const wanted = {
      NamespaceDeletionDiscoveryFailure: "All resources successfully discovered",
      NamespaceDeletionGroupVersionParsingFailure: "All legacy kube types successfully parsed",
      NamespaceDeletionContentFailure: "All content successfully deleted, may be waiting on finalization",
      NamespaceContentRemaining: "Some resources are remaining: configmaps. has 1 resource instances",
      NamespaceFinalizersRemaining:
        "Some content in the namespace has finalizers remaining: x.y/a in 1 resource instances",
    };
    await until(at, (object) => isEqual(said(object), wanted));
    expectBody(await call("PATCH", `${at}/configmaps/held`, { body: { metadata: { finalizers: null } } }), 200);
    await until(at, (object) => object === undefined);
  },
  "a namespace that is not being deleted does not terminate": async ({ call, namespace }) => {
    const at = `/api/v1/namespaces/${namespace}/status`;
    expectInvalid(await call("PATCH", at, { body: { status: { phase: "Terminating" } } }), [
      {
        field: "status.Phase",
        reason: "FieldValueInvalid",
        message: "Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
      },
    ]);
  },
});
