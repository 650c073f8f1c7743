/** Creation: what the server fills in, what it refuses, and in which words. */
import assert from "node:assert/strict";
import { valueAt } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal } from "../expect.ts";
import { configMap, deployment, node, pod } from "../manifests.ts";

export const createCases = behaviour("create", {
  "create fills the metadata that the server owns": async ({ call, path, namespace }) => {
    const { metadata } = expectBody(await call("POST", path("configmaps"), { body: configMap("a", { k: "v" }) }), 201);
    assert.match(metadata.uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(metadata.resourceVersion, /^[1-9]\d*$/);
    assert.equal(metadata.namespace, namespace);
    assert.equal("generation" in metadata, false);
  },
  "what a client says of uid, creation and deletion is not taken": async ({ call, path }) => {
    const metadata = {
      uid: "11111111-1111-4111-8111-111111111111",
      creationTimestamp: "2001-01-01T00:00:00Z",
      deletionTimestamp: "2001-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 3,
      selfLink: "/x",
    };
    const body = expectBody(await call("POST", path("configmaps"), { body: configMap("a", {}, metadata) }), 201);
    assert.notEqual(body.metadata.uid, metadata.uid);
    assert.notEqual(body.metadata.creationTimestamp, metadata.creationTimestamp);
    for (const gone of ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"]) {
      assert.equal(gone in body.metadata, false, gone);
    }
  },
  "a name that is taken conflicts": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("a") });
    expectRefusal(await call("POST", path("configmaps"), { body: configMap("a") }), 409, {
      reason: "AlreadyExists",
      message: 'configmaps "a" already exists',
      details: { name: "a", kind: "configmaps" },
    });
  },
  "the group stands in the words for kinds outside the core": async ({ call, path }) => {
    const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "a" } };
    await call("POST", path("coordination.k8s.io/v1/leases"), { body });
    expectRefusal(await call("POST", path("coordination.k8s.io/v1/leases"), { body }), 409, {
      reason: "AlreadyExists",
      message: 'leases.coordination.k8s.io "a" already exists',
      details: { name: "a", group: "coordination.k8s.io", kind: "leases" },
    });
  },
  "an object that is not there is not found": async ({ call, path }) => {
    expectRefusal(await call("GET", `${path("configmaps")}/none`), 404, {
      reason: "NotFound",
      message: 'configmaps "none" not found',
      details: { name: "none", kind: "configmaps" },
    });
    expectRefusal(await call("GET", `${path("apps/v1/deployments")}/none`), 404, {
      reason: "NotFound",
      message: 'deployments.apps "none" not found',
      details: { name: "none", group: "apps", kind: "deployments" },
    });
  },
  "every verb on a missing object says the same": async ({ call, path }) => {
    const refusal = { reason: "NotFound", message: 'configmaps "none" not found' };
    const at = `${path("configmaps")}/none`;
    expectRefusal(await call("DELETE", at), 404, refusal);
    expectRefusal(await call("PATCH", at, { body: { data: {} } }), 404, refusal);
    expectRefusal(await call("PUT", at, { body: configMap("none") }), 404, refusal);
  },
  "nothing is created in a namespace that does not exist": async ({ call }) => {
    expectRefusal(await call("POST", "/api/v1/namespaces/nowhere/configmaps", { body: configMap("a") }), 404, {
      reason: "NotFound",
      message: 'namespaces "nowhere" not found',
      details: { name: "nowhere", kind: "namespaces" },
    });
  },
  "a list in a namespace that does not exist is empty": async ({ call }) => {
    const body = expectBody(await call("GET", "/api/v1/namespaces/nowhere/configmaps"), 200, { kind: "ConfigMapList" });
    assert.deepEqual(body["items"], []);
  },
  "an object without a name is refused": async ({ call, path }) => {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: {} };
    expectRefusal(await call("POST", path("configmaps"), { body }), 422, {
      reason: "Invalid",
      message: 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
      details: {
        kind: "ConfigMap",
        causes: [
          {
            reason: "FieldValueRequired",
            message: "Required value: name or generateName is required",
            field: "metadata.name",
          },
        ],
      },
    });
  },
  "generateName gives each object a name of its own": async ({ call, path }) => {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "run-" } };
    const first = expectBody(await call("POST", path("configmaps"), { body }), 201);
    const second = expectBody(await call("POST", path("configmaps"), { body }), 201);
    assert.match(first.metadata.name, /^run-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    assert.equal(first.metadata.generateName, "run-");
    assert.notEqual(first.metadata.name, second.metadata.name);
  },
  "a name wins over generateName": async ({ call, path }) => {
    const body = configMap("plain", {}, { generateName: "run-" });
    expectBody(await call("POST", path("configmaps"), { body }), 201, { metadata: { name: "plain" } });
  },
  "a long generateName is cut so that the name stays within 63 characters": async ({ call, path }) => {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "x".repeat(80) } };
    const { metadata } = expectBody(await call("POST", path("configmaps"), { body }), 201);
    assert.equal(metadata.name.length, 63);
    assert.match(metadata.name, /^x{58}/);
  },
  "a bad generateName is refused by the name it makes": async ({ call, path }) => {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "Run_" } };
    const answer = await call("POST", path("configmaps"), { body });
    expectInvalid(answer, [
      {
        field: "metadata.generateName",
        reason: "FieldValueInvalid",
        message: /^Invalid value: "Run_": a lowercase RFC 1123/,
      },
      {
        field: "metadata.name",
        reason: "FieldValueInvalid",
        message: /^Invalid value: "Run_.{5}": a lowercase RFC 1123/,
      },
    ]);
  },
  "a resourceVersion on a new object is refused": async ({ call, path }) => {
    const body = configMap("a", {}, { resourceVersion: "5" });
    expectRefusal(await call("POST", path("configmaps"), { body }), 500, {
      message: "resourceVersion should not be set on objects to be created",
    });
  },
  "the namespace of the object must be that of the path": async ({ call, path }) => {
    const body = configMap("a", {}, { namespace: "elsewhere" });
    expectRefusal(await call("POST", path("configmaps"), { body }), 400, {
      reason: "BadRequest",
      message: "the namespace of the provided object does not match the namespace sent on the request",
    });
  },
  "kind and apiVersion may be left out": async ({ call, path }) => {
    expectBody(await call("POST", path("configmaps"), { body: { metadata: { name: "a" } } }), 201, {
      apiVersion: "v1",
      kind: "ConfigMap",
    });
  },
  "an object of another kind is refused": async ({ call, path }) => {
    expectRefusal(await call("POST", path("configmaps"), { body: pod("a") }), 400, {
      reason: "BadRequest",
      message:
        'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
    });
  },
  "an object of an unknown kind is refused": async ({ call, path }) => {
    const body = { apiVersion: "v1", kind: "Gadget", metadata: { name: "a" } };
    expectRefusal(await call("POST", path("configmaps"), { body }), 400, {
      reason: "BadRequest",
      message:
        /^Gadget in version "v1" cannot be handled as a ConfigMap: no kind "Gadget" is registered for version "v1"/,
    });
  },
  "an object of another version is refused": async ({ call, path }) => {
    const body = { apiVersion: "v2", kind: "ConfigMap", metadata: { name: "a" } };
    expectRefusal(await call("POST", path("configmaps"), { body }), 400, {
      reason: "BadRequest",
      message:
        /^ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2"/,
    });
  },
  "a body that is no JSON is refused": async ({ call, path }) => {
    const answer = await call("POST", path("configmaps"), { body: "{oops" });
    expectRefusal(answer, 400, { reason: "BadRequest", message: /json/ });
  },
  "a body in an unknown format is refused": async ({ call, path }) => {
    const answer = await call("POST", path("configmaps"), { body: "x", type: "text/csv" });
    expectRefusal(answer, 415, {
      reason: "UnsupportedMediaType",
      message:
        "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    });
  },
  "a body in YAML is taken": async ({ call, path }) => {
    const body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n";
    expectBody(await call("POST", path("configmaps"), { body, type: "application/yaml" }), 201, { data: { k: "v" } });
  },
  "an answer comes as YAML to whom asks for it": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("a", { k: "v" }) });
    const answer = await call("GET", `${path("configmaps")}/a`, { accept: "application/yaml" });
    assert.equal(answer.headers.get("content-type"), "application/yaml");
    assert.match(String(answer.body["content"]), /^data:\n  k: v\n/m);
  },
  "an answer in a format that is not served is refused": async ({ call, path }) => {
    const answer = await call("GET", path("configmaps"), { accept: "text/csv" });
    expectRefusal(answer, 406, {
      reason: "NotAcceptable",
      message: /^406: Not Acceptable\n\nAvailable representations: application\/json, application\/yaml/,
    });
  },
  "a value of the wrong type is refused": async ({ call, path }) => {
    const body = { ...configMap("a"), data: { k: 1 } };
    expectRefusal(await call("POST", path("configmaps"), { body }), 400, {
      reason: "BadRequest",
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    });
  },
  "a dry run answers as the real thing and stores nothing": async ({ call, path }) => {
    const { metadata } = expectBody(
      await call("POST", `${path("configmaps")}?dryRun=All`, { body: configMap("a") }),
      201,
    );
    assert.ok(metadata.uid);
    assert.equal("resourceVersion" in metadata, false);
    assert.equal((await call("GET", `${path("configmaps")}/a`)).status, 404);
  },
  "a dry run of another sort is refused": async ({ call, path }) => {
    expectRefusal(await call("POST", `${path("configmaps")}?dryRun=Some`, { body: configMap("a") }), 422, {
      reason: "Invalid",
      message: 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    });
  },
  "a path that is not served is not found": async ({ call, path }) => {
    const refusal = {
      reason: "NotFound",
      message: "the server could not find the requested resource",
      details: {},
    };
    expectRefusal(await call("GET", path("gadgets")), 404, refusal);
    expectRefusal(await call("GET", `${path("configmaps")}/a/scale`), 404, refusal);
  },
  "a method that a collection does not have is refused": async ({ call, path }) => {
    expectRefusal(await call("PUT", path("configmaps"), { body: configMap("a") }), 405, {
      reason: "MethodNotAllowed",
      message: "the server does not allow this method on the requested resource",
      details: {},
    });
  },
  "labels and annotations of a new object are kept": async ({ call, unique }) => {
    const metadata = { labels: { "example.com/a": "b", empty: "" }, annotations: { "example.com/Note": "any text\n" } };
    expectBody(await call("POST", "/api/v1/nodes", { body: node(unique("n"), {}, metadata) }), 201, { metadata });
  },
  "a Service that is a name elsewhere has no address": async ({ call, path }) => {
    const spec = { type: "ExternalName", externalName: "elsewhere.example.com" };
    const answer = await call("POST", path("services"), { body: { metadata: { name: "a" }, spec } });
    assert.deepEqual(expectBody(answer, 201)["spec"], { ...spec, sessionAffinity: "None" });
  },
  "unknown fields of a built-in kind are dropped, with warnings": async ({ call, path }) => {
    const body = { ...pod("p", { typo: 1 }, { other: "x" }), extra: true };
    const answer = await call("POST", path("pods"), { body });
    const created = expectBody(answer, 201);
    assert.deepEqual([created["extra"], valueAt(created, "spec.typo")], [undefined, undefined]);
    const warnings = ["metadata.other", "spec.typo", "extra"].map((name) => `299 - "unknown field \\"${name}\\""`);
    assert.equal(answer.headers.get("warning"), warnings.join(", "));
  },
  "unknown fields of a built-in kind are refused where validation is strict": async ({ call, path }) => {
    const containers = [{ name: "app", image: "registry.example/app:1", prots: [] }];
    expectRefusal(
      await call("POST", `${path("pods")}?fieldValidation=Strict`, { body: pod("p", { containers }) }),
      400,
      {
        reason: "BadRequest",
        message:
          'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].prots"',
      },
    );
  },
  "a text where a number is wanted is refused": async ({ call, path }) => {
    const body = deployment("d", { replicas: "3" });
    expectRefusal(await call("POST", path("apps/v1/deployments"), { body }), 400, {
      reason: "BadRequest",
      message:
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    });
  },
  "a list where an object is wanted is refused": async ({ call, path }) => {
    expectRefusal(await call("POST", path("pods"), { body: { metadata: { name: "p" }, spec: [] } }), 400, {
      reason: "BadRequest",
      message:
        'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec',
    });
  },
  "a fraction where an integer is wanted is refused": async ({ call, path }) => {
    const containers = [{ name: "app", image: "registry.example/app:1", ports: [{ containerPort: 1.5 }] }];
    expectRefusal(await call("POST", path("pods"), { body: pod("p", { containers }) }), 400, {
      reason: "BadRequest",
      message:
        'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number 1.5 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    });
  },
  "a quantity that is none is refused": async ({ call, path }) => {
    const limits = { cpu: "much" };
    const containers = [{ name: "app", image: "registry.example/app:1", resources: { limits } }];
    expectRefusal(await call("POST", path("pods"), { body: pod("p", { containers }) }), 400, {
      reason: "BadRequest",
      message: /^Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression/,
    });
  },
  "a time that is none is refused": async ({ call, path }) => {
    const body = configMap("a", {}, { creationTimestamp: "today" });
    expectRefusal(await call("POST", path("configmaps"), { body }), 400, {
      reason: "BadRequest",
      message: /cannot be handled as a ConfigMap: parsing time "today" as "2006-01-02T15:04:05Z07:00"/,
    });
  },
  "null is as if nothing were said": async ({ call, path }) => {
    const body = pod("p", { nodeName: null, tolerations: null }, { labels: null });
    const created = expectBody(await call("POST", path("pods"), { body }), 201);
    assert.deepEqual([valueAt(created, "spec.nodeName"), created.metadata.labels], [undefined, undefined]);
  },
});
