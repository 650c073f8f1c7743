/** Names, labels, annotations, finalizers and owner references: what is valid, and the words for what is not. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid } from "../expect.ts";
import { configMap } from "../manifests.ts";
import { installWidgets, widget } from "../widgets.ts";

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const invalid = (field: string, message: string) => [{ field, reason: "FieldValueInvalid", message }];
const quote = (text: string): string => JSON.stringify(text);

export const metadataCases = behaviour("metadata", {
  "a name with capitals or underscores is refused": async ({ call, path }) => {
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap("Not_A_Name") }),
      invalid("metadata.name", `Invalid value: "Not_A_Name": ${SUBDOMAIN}`),
    );
  },
  "a name may have 253 characters and no more": async ({ call, path }) => {
    expectBody(await call("POST", path("configmaps"), { body: configMap("a".repeat(253)) }), 201);
    const long = "a".repeat(254);
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap(long) }),
      invalid("metadata.name", `Invalid value: ${quote(long)}: must be no more than 253 characters`),
    );
  },
  "a name may have dots": async ({ call, path }) => {
    expectBody(await call("POST", path("configmaps"), { body: configMap("a.b-c.d") }), 201);
  },
  "a name may not end in a dot": async ({ call, path }) => {
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap("a.") }),
      invalid("metadata.name", `Invalid value: "a.": ${SUBDOMAIN}`),
    );
  },
  "the name of a Namespace is one label": async ({ call }) => {
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "a.b" } };
    expectInvalid(
      await call("POST", "/api/v1/namespaces", { body }),
      invalid("metadata.name", 'Invalid value: "a.b": must not contain dots'),
    );
  },
  "the name of a Namespace has at most 63 characters": async ({ call }) => {
    const name = "a".repeat(64);
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    expectInvalid(await call("POST", "/api/v1/namespaces", { body }), [
      ...invalid("metadata.name", `Invalid value: ${quote(name)}: must be no more than 63 characters`),
      ...invalid("metadata.labels", `Invalid value: ${quote(name)}: must be no more than 63 bytes`),
    ]);
  },
  "the name of a ClusterRole may have colons": async ({ call, unique }) => {
    const body = {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: unique("system:A_b") },
    };
    expectBody(await call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", { body }), 201);
  },
  "the name of a role has no slash": async ({ call, path }) => {
    const body = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name: "a/b" } };
    expectInvalid(
      await call("POST", path("rbac.authorization.k8s.io/v1/roles"), { body }),
      invalid("metadata.name", "Invalid value: \"a/b\": may not contain '/'"),
    );
  },
  "a label key with a bad name is refused": async ({ call, path }) => {
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap("a", {}, { labels: { "-a": "b" } }) }),
      invalid("metadata.labels", `Invalid value: "-a": ${QUALIFIED}`),
    );
  },
  "a label key with a bad prefix is refused": async ({ call, path }) => {
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap("a", {}, { labels: { "A_/b": "b" } }) }),
      invalid("metadata.labels", `Invalid value: "A_/b": prefix part ${SUBDOMAIN}`),
    );
  },
  "a label key has one prefix": async ({ call, path }) => {
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap("a", {}, { labels: { "a/b/c": "b" } }) }),
      invalid(
        "metadata.labels",
        "Invalid value: \"a/b/c\": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
      ),
    );
  },
  "the name part of a label key has at most 63 characters": async ({ call, path }) => {
    const key = "k".repeat(64);
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap("a", {}, { labels: { [key]: "b" } }) }),
      invalid("metadata.labels", `Invalid value: ${quote(key)}: name part must be no more than 63 bytes`),
    );
  },
  "a label value of bad characters is refused": async ({ call, path }) => {
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap("a", {}, { labels: { a: "b c" } }) }),
      invalid("metadata.labels", `Invalid value: "b c": ${VALUE}`),
    );
  },
  "a label value has at most 63 characters": async ({ call, path }) => {
    const value = "v".repeat(64);
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap("a", {}, { labels: { a: value } }) }),
      invalid("metadata.labels", `Invalid value: ${quote(value)}: must be no more than 63 bytes`),
    );
  },
  "an annotation key is a qualified name, its value any text": async ({ call, path }) => {
    const annotations = { "example.com/UPPER": "any {text}\n" };
    expectBody(await call("POST", path("configmaps"), { body: configMap("a", {}, { annotations }) }), 201);
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap("b", {}, { annotations: { "a b": "" } }) }),
      invalid("metadata.annotations", `Invalid value: "a b": ${QUALIFIED}`),
    );
  },
  "annotations have 256 KiB in all": async ({ call, path }) => {
    const annotations = { a: "x".repeat(256 * 1024) };
    expectInvalid(await call("POST", path("configmaps"), { body: configMap("a", {}, { annotations }) }), [
      {
        field: "metadata.annotations",
        reason: "FieldValueTooLong",
        message: "Too long: may not be more than 262144 bytes",
      },
    ]);
  },
  "several problems are told at once": async ({ call, path }) => {
    const body = configMap("A", {}, { labels: { "-": "b" }, annotations: { "-": "" } });
    expectInvalid(await call("POST", path("configmaps"), { body }), [
      ...invalid("metadata.name", `Invalid value: "A": ${SUBDOMAIN}`),
      ...invalid("metadata.labels", `Invalid value: "-": ${QUALIFIED}`),
      ...invalid("metadata.annotations", `Invalid value: "-": ${QUALIFIED}`),
    ]);
  },
  "a finalizer is a qualified name": async ({ call, path }) => {
    expectInvalid(await call("POST", path("configmaps"), { body: configMap("a", {}, { finalizers: ["not good"] }) }), [
      ...invalid("metadata.finalizers", `Invalid value: "not good": ${QUALIFIED}`),
      ...invalid(
        "metadata.finalizers[0]",
        'Invalid value: "not good": name is neither a standard finalizer name nor is it fully qualified',
      ),
    ]);
  },
  "a finalizer of a built-in kind has a domain or is a known one": async ({ call, path }) => {
    expectInvalid(
      await call("POST", path("configmaps"), { body: configMap("a", {}, { finalizers: ["plain"] }) }),
      invalid(
        "metadata.finalizers[0]",
        'Invalid value: "plain": name is neither a standard finalizer name nor is it fully qualified',
      ),
    );
  },
  "an owner reference needs all its parts": async ({ call, path }) => {
    const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "", uid: "" }];
    expectInvalid(await call("POST", path("configmaps"), { body: configMap("a", {}, { ownerReferences }) }), [
      ...invalid("metadata.ownerReferences.name", 'Invalid value: "": must not be empty'),
      ...invalid("metadata.ownerReferences.uid", 'Invalid value: "": must not be empty'),
    ]);
  },
  "an owner reference names a version": async ({ call, path }) => {
    const ownerReferences = [{ apiVersion: "", kind: "", name: "a", uid: "u" }];
    expectInvalid(await call("POST", path("configmaps"), { body: configMap("a", {}, { ownerReferences }) }), [
      ...invalid("metadata.ownerReferences.apiVersion", 'Invalid value: "": version must not be empty'),
      ...invalid("metadata.ownerReferences.kind", 'Invalid value: "": must not be empty'),
    ]);
  },
  "an object has one controlling owner": async ({ call, path }) => {
    const owner = { apiVersion: "v1", kind: "ConfigMap", name: "o", controller: true };
    const ownerReferences = [
      { ...owner, uid: "u1" },
      { ...owner, uid: "u2" },
    ];
    const answer = await call("POST", path("configmaps"), { body: configMap("a", {}, { ownerReferences }) });
    expectInvalid(answer, [
      {
        field: "metadata.ownerReferences",
        reason: "FieldValueInvalid",
        message:
          /Only one reference can have Controller set to true\. Found "true" in references for ConfigMap\/o and ConfigMap\/o$/,
      },
    ]);
  },
  "an Event owns nothing": async ({ call, path }) => {
    const ownerReferences = [{ apiVersion: "v1", kind: "Event", name: "e", uid: "u" }];
    expectInvalid(await call("POST", path("configmaps"), { body: configMap("a", {}, { ownerReferences }) }), [
      { field: "metadata.ownerReferences", reason: "FieldValueInvalid", message: /is disallowed from being an owner$/ },
    ]);
  },
  "labels and annotations that are empty are none": async ({ call, path }) => {
    const made = { ...configMap("a"), metadata: { name: "a", labels: {}, annotations: { note: "x" } } };
    const { metadata } = expectBody(await call("POST", path("configmaps"), { body: made }), 201);
    assert.deepEqual([metadata.labels, metadata.annotations], [undefined, { note: "x" }]);
    const patch = { metadata: { labels: {}, annotations: { note: null } } };
    const patched = expectBody(await call("PATCH", `${path("configmaps")}/a`, { body: patch }), 200);
    assert.deepEqual([patched.metadata.labels, patched.metadata.annotations], [undefined, undefined]);
    assert.equal(patched.metadata.generation, undefined);
  },
  "keys of a ConfigMap are held to their characters": async ({ call, path }) => {
    expectInvalid(await call("POST", path("configmaps"), { body: configMap("a", { "a b": "" }) }), [
      {
        field: "data[a b]",
        reason: "FieldValueInvalid",
        message:
          "Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      },
    ]);
  },
  "the values of a Secret are base64, and stringData becomes data": async ({ call, path }) => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "a" } };
    expectBody(await call("POST", path("secrets"), { body: { ...secret, stringData: { k: "v" } } }), 201, {
      data: { k: "dg==" },
      type: "Opaque",
    });
    const bad = await call("POST", path("secrets"), { body: { ...secret, data: { k: "%%%" } } });
    expectBody(bad, 400, { reason: "BadRequest" });
  },
  "what says that an object goes is not set by hand": async ({ call, path }) => {
    const at = `${path("configmaps")}/a`;
    expectBody(await call("POST", path("configmaps"), { body: configMap("a") }), 201);
    for (const [field, value] of Object.entries({
      deletionTimestamp: "2020-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 5,
    })) {
      const message = `Invalid value: ${JSON.stringify(value)}: field is immutable`;
      const answer = await call("PATCH", at, { body: { metadata: { [field]: value } } });
      expectInvalid(answer, invalid(`metadata.${field}`, message));
    }
    const other = { metadata: { generateName: "other-" } };
    expectBody(await call("PATCH", at, { body: other }), 200, other);
  },
  "a finalizer of a custom kind had better have a domain": async (world) => {
    const widgets = await installWidgets(world);
    const body = { ...widget(world, "a"), metadata: { name: "a", finalizers: ["plain", "x.y/z"] } };
    const answer = await world.call("POST", widgets, { body });
    expectBody(answer, 201);
    assert.equal(
      answer.headers.get("warning"),
      String.raw`299 - "metadata.finalizers: \"plain\": prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers"`,
    );
    expectBody(await world.call("PATCH", `${widgets}/a`, { body: { metadata: { finalizers: null } } }), 200);
  },
});
