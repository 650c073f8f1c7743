/** The life of a Namespace, and what each one holds. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectRefusal } from "../expect.ts";
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
});
