// Requests that nobody should send, from a seed: valid ones with something wrong in them, and some with nothing right.
import { Buffer } from "node:buffer";

export interface HostileRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
}

export interface Random {
  below(limit: number): number;
  pick<T>(from: readonly T[]): T;
}

/** Deterministic (mulberry32), so that a failure comes back with its seed. */
export function createRandom(seed: number): Random {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return { below, pick: (from) => from[below(from.length)] as (typeof from)[number] };
}

export function createHostileRequest(random: Random): HostileRequest {
  const target = random.pick(TARGETS);
  const method = random.below(3) === 0 ? random.pick(METHODS) : random.pick(["POST", "PUT", "PATCH", "GET"]);
  const onItem = method === "POST" ? random.below(6) === 0 : random.below(4) !== 0;
  const part = onItem
    ? `/${random.below(20) === 0 ? random.pick(NAMES) : "a"}${target.below ?? random.pick(BELOW)}`
    : "";
  const path = random.below(12) === 0 ? random.pick(PATHS) : `${target.path}${target.below === "" ? "" : part}`;
  const headers: Record<string, string> = { accept: random.pick(ACCEPTS) };
  if (random.below(25) === 0) headers["authorization"] = random.pick(AUTHORIZATIONS);
  if (random.below(25) === 0) headers["content-encoding"] = random.pick(["gzip", "deflate", "identity", "x"]);
  if (random.below(25) === 0)
    headers["impersonate-user"] = random.pick(["", "nobody", "system:admin", "system:node:a"]);
  if (random.below(50) === 0) headers["impersonate-group"] = random.pick(["", "system:masters"]);
  if (random.below(50) === 0) headers[`impersonate-extra-${random.pick(["a", "%zz", "%00"])}`] = "x";
  const request = { method, path: `${path}${createQuery(random)}`, headers };
  if (method === "GET" || method === "HEAD") return request;
  const type = method === "PATCH" ? random.pick(PATCH_TYPES) : random.below(3) === 0 ? random.pick(TYPES) : TYPES[0];
  if (random.below(30) > 0) headers["content-type"] = type ?? "";
  return { ...request, body: createBody(random, { document: target.document, type: type ?? "", method }) };
}

/** What kube-apiserver, too, answers with a code of 500 and more: a case of the behaviour suite has each on both. */
const RIGHT_ERRORS = [
  "strconv.ParseUint: parsing",
  "unknown patch type: ",
  "expected a []interface {}, but received a",
  "doesn't match $setElementOrder list",
  "Too large resource version",
  "etcdserver: request is too large",
  "failed to create typed patch object",
  "does not contain declared merge key",
  "resourceVersion should not be set on objects to be created",
];

/** What is wrong with an answer, if anything: a right one is a Status, or what was asked for. */
export function problemOf(
  { method }: HostileRequest,
  { status, text }: { status: number; text: string },
): string | undefined {
  if (status === 0) return "no answer";
  if (status >= 500 && !RIGHT_ERRORS.some((words) => text.includes(words))) return "an internal error";
  if (status < 400 || method === "HEAD" || text.startsWith("404 page not found")) return undefined;
  try {
    return (JSON.parse(text) as { kind?: string }).kind === "Status" ? undefined : "no Status";
  } catch {
    return "no JSON";
  }
}

export function describeRequest({ method, path, headers, body }: HostileRequest): string {
  return `${method} ${path.slice(0, 200)} ${JSON.stringify(headers)} ${Buffer.from(body ?? [])
    .toString("latin1")
    .slice(0, 500)}`;
}

type Target = { path: string; document: object; below?: string };

const metadata = { name: "a", namespace: "default", labels: { app: "a" }, annotations: { note: "x" } };
const podSpec = { containers: [{ name: "main", image: "nginx", ports: [{ containerPort: 80, protocol: "TCP" }] }] };
const template = { metadata: { labels: { app: "a" } }, spec: podSpec };
const selector = { matchLabels: { app: "a" }, matchExpressions: [{ key: "app", operator: "In", values: ["a"] }] };
const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"], resourceNames: ["a"] }];
const review = { spec: { user: "jane", groups: ["dev"], resourceAttributes: { verb: "get", resource: "pods" } } };
const clientConfig = { url: "https://127.0.0.1:1/", caBundle: "Cg==" };
const webhookRules = [{ apiGroups: ["nothing"], apiVersions: ["*"], resources: ["*"], operations: ["*"], scope: "*" }];

const TARGETS: readonly Target[] = [
  core("configmaps", "ConfigMap", { data: { one: "1" }, binaryData: { two: "Mg==" }, immutable: false }),
  core("secrets", "Secret", { type: "Opaque", data: { one: "MQ==" }, stringData: { two: "2" } }),
  core("pods", "Pod", { spec: { ...podSpec, nodeName: "a", tolerations: [{ key: "a", operator: "Exists" }] } }),
  core("services", "Service", { spec: { selector: { app: "a" }, ports: [{ port: 80, targetPort: "http" }] } }),
  core("serviceaccounts", "ServiceAccount", { secrets: [{ name: "a" }] }),
  core("events", "Event", { involvedObject: { kind: "Pod", name: "a", namespace: "default" }, reason: "X", count: 1 }),
  {
    path: "/api/v1/nodes",
    document: {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "a" },
      spec: { taints: [{ key: "a", effect: "NoSchedule" }], podCIDR: "10.0.0.0/24" },
      status: { conditions: [{ type: "Ready", status: "True" }], capacity: { cpu: "4", memory: "8Gi" } },
    },
  },
  { path: "/api/v1/namespaces", document: { apiVersion: "v1", kind: "Namespace", metadata: { name: "a" } } },
  named("apps/v1/deployments", "Deployment", { spec: { replicas: 1, selector, template } }),
  named("coordination.k8s.io/v1/leases", "Lease", {
    spec: { holderIdentity: "a", leaseDurationSeconds: 5, renewTime: "2026-01-01T00:00:00.000000Z" },
  }),
  named("policy/v1/poddisruptionbudgets", "PodDisruptionBudget", { spec: { minAvailable: "50%", selector } }),
  named("discovery.k8s.io/v1/endpointslices", "EndpointSlice", {
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "x", port: 80 }],
  }),
  wide("rbac.authorization.k8s.io/v1/clusterroles", "ClusterRole", {
    rules,
    aggregationRule: { clusterRoleSelectors: [selector] },
  }),
  named("rbac.authorization.k8s.io/v1/rolebindings", "RoleBinding", {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "a" },
    subjects: [{ kind: "User", name: "jane", apiGroup: "rbac.authorization.k8s.io" }],
  }),
  wide("certificates.k8s.io/v1/certificatesigningrequests", "CertificateSigningRequest", {
    spec: {
      request: Buffer.from("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n").toString(
        "base64",
      ),
      signerName: "kubernetes.io/kubelet-serving",
      usages: ["server auth"],
    },
    status: { conditions: [{ type: "Approved", status: "True", reason: "x", message: "y" }] },
  }),
  wide("apiextensions.k8s.io/v1/customresourcedefinitions", "CustomResourceDefinition", {
    metadata: { name: "things.torture.example" },
    spec: widgetDefinition("torture.example", "things", "Thing"),
  }),
  named("hostile.example/v1/widgets", "Widget", {
    spec: { size: 3, color: "red", parts: [{ name: "x", weight: 1 }], replicas: 1, port: "http" },
    status: { phase: "Up" },
  }),
  // Where an object is asked about rather than kept.
  { ...wide("authorization.k8s.io/v1/subjectaccessreviews", "SubjectAccessReview", review), below: "" },
  { ...wide("authentication.k8s.io/v1/tokenreviews", "TokenReview", { spec: { token: "x.y.z" } }), below: "" },
  // No request is of these rules' group, so that what gets through holds up nothing else.
  wide("admissionregistration.k8s.io/v1/validatingwebhookconfigurations", "ValidatingWebhookConfiguration", {
    webhooks: [
      {
        name: "a.hostile.example",
        clientConfig,
        rules: webhookRules,
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Ignore",
        matchConditions: [{ name: "x", expression: "request.kind.kind == 'Nothing'" }],
      },
    ],
  }),
];

/** What has to be there for most of it to mean something. */
export const PREPARATIONS: readonly { path: string; document: object }[] = [
  {
    path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    document: {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "widgets.hostile.example" },
      spec: widgetDefinition("hostile.example", "widgets", "Widget"),
    },
  },
  ...TARGETS.filter(({ below }) => below !== "").map(({ path, document }) => ({ path, document })),
];

function core(plural: string, kind: string, fields: object): Target {
  return { path: `/api/v1/namespaces/default/${plural}`, document: { apiVersion: "v1", kind, metadata, ...fields } };
}

/** `collection` as in `apps/v1/deployments`. */
function named(collection: string, kind: string, fields: object): Target {
  const [group = "", version = "", plural = ""] = collection.split("/");
  const path = `/apis/${group}/${version}/namespaces/default/${plural}`;
  return { path, document: { apiVersion: `${group}/${version}`, kind, metadata, ...fields } };
}

function wide(collection: string, kind: string, fields: object): Target {
  const apiVersion = collection.slice(0, collection.lastIndexOf("/"));
  return { path: `/apis/${collection}`, document: { apiVersion, kind, metadata: { name: "a" }, ...fields } };
}

function widgetDefinition(group: string, plural: string, kind: string): object {
  const part = { type: "object", properties: { name: { type: "string" }, weight: { type: "number" } } };
  const spec = {
    type: "object",
    "x-kubernetes-validations": [{ rule: "self.size < 100", message: "too big" }],
    properties: {
      size: { type: "integer", minimum: 1, maximum: 1_000, default: 1 },
      color: { type: "string", pattern: "^[a-z]+$", maxLength: 20 },
      replicas: { type: "integer" },
      port: { "x-kubernetes-int-or-string": true },
      free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      parts: { type: "array", items: part, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] },
    },
  };
  const status = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    group,
    scope: "Namespaced",
    names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", properties: { spec, status } } },
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
        },
        additionalPrinterColumns: [{ name: "Size", type: "integer", jsonPath: ".spec.size" }],
      },
    ],
  };
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"];
const BELOW = [
  ...Array.from({ length: 12 }, () => ""),
  "/status",
  "/status",
  "/scale",
  "/eviction",
  "/token",
  "/approval",
  "/finalize",
  "/binding",
  "/x/y",
];
const NAMES = ["", "%", "%2e%2e", "..", "%00", "%F0%28", "__proto__", "constructor", "x".repeat(5_000), "A_b", "a%2Fb"];
const PATHS = [
  "/",
  "//api//v1",
  "/%",
  "/api/v1/%2e%2e/%00",
  "/api/v1/watch",
  "/api/v1/namespaces/default",
  "/api/v1/namespaces/__proto__/configmaps",
  "/api/v1/constructor",
  "/apis/__proto__/v1/things",
  "/apis/apps/v2/deployments",
  "/openapi/v2",
  "/openapi/v3/apis/hostile.example/v1",
  "/openapi/v3/apis/__proto__/v1",
  "/readyz/__proto__",
  `/api/v1/namespaces/${"x".repeat(5_000)}`,
];
const TYPES = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "application/json; charset=nonsense",
  "application/cbor",
  "text/plain",
  "application/x-www-form-urlencoded",
  ";;;",
  "__proto__",
];
const PATCH_TYPES = [
  "application/merge-patch+json",
  "application/json-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
  "application/apply-patch+cbor",
  "application/json",
];
const ACCEPTS = [
  "application/json",
  "application/json",
  "application/vnd.kubernetes.protobuf",
  "application/json;as=Table;g=meta.k8s.io;v=v1",
  "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
  "application/json;as=__proto__;v=constructor",
  "application/yaml",
  "image/png",
  ",;q=x",
  "*/*",
];
const AUTHORIZATIONS = [
  "Bearer",
  "Bearer x.y.z",
  "Basic eA==",
  "Bearer abcdef.0123456789abcdef",
  "Bearer e30.e30.e30",
  "x",
];
const PARAMETERS = [
  "labelSelector",
  "fieldSelector",
  "limit",
  "continue",
  "resourceVersion",
  "resourceVersionMatch",
  "dryRun",
  "fieldManager",
  "fieldValidation",
  "force",
  "timeout",
  "sendInitialEvents",
  "propagationPolicy",
  "gracePeriodSeconds",
  "orphanDependents",
  "pretty",
  "watch",
  "__proto__",
];
const SELECTORS = [
  "a=b",
  "a in (b",
  "!a,,",
  "metadata.name=a",
  "metadata.name=a,metadata.name=b",
  "a!==b",
  "a>9999999999999999999999",
  "a notin (,)",
  "__proto__=constructor",
  "spec.nodeName!=",
  "=",
  `${"a,".repeat(2_000)}a`,
  `a in (${"x,".repeat(2_000)}x)`,
];
const TEXTS = [
  "",
  "a",
  "true",
  "All",
  "v1",
  "Pod",
  "__proto__",
  "constructor",
  "\u0000",
  "\uD800",
  "../..",
  "50%",
  "-1%",
  "1e999",
  "99999999999999999999",
  "1970-01-01T00:00:00Z",
  "9999-99-99T99:99:99Z",
  "0001-01-01T00:00:00Z",
  "x".repeat(3_000),
  "ü".repeat(300),
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K",
  "self.size < 100 && self.all(x, x)",
  "(a+)+$",
  "^(",
  ".spec.replicas",
  "{.spec[?(@.a==",
];
const NUMBERS = [0, -1, 1, 0.5, -0, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, 80, 65_536];
const KEYS = [
  "metadata",
  "spec",
  "status",
  "name",
  "generateName",
  "labels",
  "finalizers",
  "ownerReferences",
  "managedFields",
  "resourceVersion",
  "uid",
  "deletionTimestamp",
  "creationTimestamp",
  "kind",
  "apiVersion",
  "$patch",
  "$retainKeys",
  "$setElementOrder/containers",
  "$deleteFromPrimitiveList/finalizers",
  "__proto__",
  "constructor",
  "toString",
  "items",
  "x-kubernetes-validations",
  "properties",
  "",
  "a/b~c",
];

function createQuery(random: Random): string {
  const query = new URLSearchParams();
  for (let count = random.below(4) - 1; count > 0; count--) {
    const name = random.pick(PARAMETERS);
    if (name.endsWith("Selector")) query.append(name, random.pick(SELECTORS));
    else if (name === "continue") query.append(name, createToken(random));
    else if (name === "watch") query.append("timeoutSeconds", "1");
    else query.append(name, random.below(3) === 0 ? String(random.pick(NUMBERS)) : random.pick(TEXTS).slice(0, 500));
  }
  if (random.below(3) === 0) query.set("fieldManager", "hostile");
  const text = query.toString();
  return text === "" ? random.pick(["", "", "", "?", "?%", "?&&=", "?=&a"]) : `?${text}`;
}

function createToken(random: Random): string {
  const token = createValue(random, 2);
  const shaped = { v: "meta.k8s.io/v1", rv: random.pick(NUMBERS), start: random.pick(TEXTS) };
  return Buffer.from(JSON.stringify(random.pick([token, shaped])) ?? "").toString("base64url");
}

function createBody(
  random: Random,
  { document, type, method }: { document: object; type: string; method: string },
): Uint8Array<ArrayBuffer> {
  if (random.below(12) === 0) return Buffer.from(random.pick(BODIES));
  if (type.endsWith("protobuf")) return createProtobuf(random);
  const value =
    method === "PATCH" && type.includes("json-patch")
      ? createOperations(random)
      : mutate(random, method === "PATCH" && random.below(2) === 0 ? createValue(random, 4) : document);
  const text = JSON.stringify(value) ?? "";
  return spoil(random, text);
}

/** The text as it is, mostly; else with a key twice, cut off, or with bytes that are no text. */
function spoil(random: Random, text: string): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(text);
  switch (random.below(12)) {
    case 0:
      return Buffer.from(text.replace("{", '{"kind":"Pod","metadata":{"name":"b"},'));
    case 1:
      return bytes.subarray(0, random.below(bytes.length + 1));
    case 2:
      if (bytes.length > 0) bytes[random.below(bytes.length)] = 0x80 + random.below(0x80);
      return bytes;
    case 3:
      return Buffer.from(
        text.replace(
          /:(\d+)/,
          `:${random.pick(["1e400", "-0", "00", "1.0", "0x1", "123456789012345678901234567890"])}`,
        ),
      );
    case 4:
      return Buffer.from(text.replace(/:"[^"]*"/, `:${'{"a":'.repeat(300)}1${"}".repeat(300)}`));
    case 5:
      return Buffer.concat([bytes, Buffer.from(random.pick(["{}", "\n---\n", "]", "\u0000", " "]))]);
    default:
      return bytes;
  }
}

function createProtobuf(random: Random): Uint8Array<ArrayBuffer> {
  const length = random.below(200);
  const bytes = Buffer.from(Array.from({ length }, () => random.below(256)));
  const typeMeta = Buffer.from("\n\u0002v1\u0012\u0009ConfigMap");
  const envelope = Buffer.concat([
    Buffer.from([0x0a, typeMeta.length]),
    typeMeta,
    Buffer.from([0x12, length & 0x7f]),
    bytes,
  ]);
  return Buffer.concat([Buffer.from("k8s\0"), random.pick([bytes, envelope, envelope.subarray(0, 20)])]);
}

function createOperations(random: Random): unknown {
  if (random.below(10) === 0) return createValue(random, 3);
  return Array.from({ length: random.below(5) }, () => ({
    op: random.pick(["add", "replace", "remove", "move", "copy", "test", "add", "ADD", ""]),
    path: createPointer(random),
    from: createPointer(random),
    value: createValue(random, 3),
  }));
}

function createPointer(random: Random): unknown {
  const tail = Array.from({ length: random.below(4) }, () =>
    random.pick([...KEYS, "-", "0", "-1", "99", "~", "~2", "01"]),
  );
  return random.below(12) === 0 ? random.pick([null, 7, "", "x", "/"]) : `/${tail.join("/")}`;
}

/** A copy with something else at one to three places. */
function mutate(random: Random, value: unknown): unknown {
  let copy: unknown = structuredClone(value);
  for (let count = random.below(3) + 1; count > 0; count--) copy = mutateOnce(random, copy);
  return copy;
}

function mutateOnce(random: Random, value: unknown): unknown {
  if (typeof value !== "object" || value === null || random.below(8) === 0) return createValue(random, 3);
  if (Array.isArray(value)) {
    const index = random.below(value.length + 1);
    const items: unknown[] = value;
    if (random.below(4) === 0) return [...items, ...items];
    return index === items.length
      ? [...items, createValue(random, 2)]
      : items.map((item, at) => (at === index ? mutateOnce(random, item) : item));
  }
  const entries = Object.entries(value);
  const at = random.below(entries.length + 1);
  if (at === entries.length) return fromEntries([...entries, [random.pick(KEYS), createValue(random, 3)]]);
  if (random.below(10) === 0) return fromEntries(entries.toSpliced(at, 1));
  return fromEntries(entries.map(([key, inner], index) => [key, index === at ? mutateOnce(random, inner) : inner]));
}

function createValue(random: Random, depth: number): unknown {
  switch (random.below(depth > 0 ? 6 : 4)) {
    case 0:
      return random.pick(TEXTS);
    case 1:
      return random.pick(NUMBERS);
    case 2:
      return random.pick([true, false, null, {}, []]);
    case 3:
      return random.pick(["a", "x", "default", "replace", "delete"]);
    case 4:
      return Array.from({ length: random.below(4) }, () => createValue(random, depth - 1));
    default:
      return fromEntries(
        Array.from({ length: random.below(5) }, () => [random.pick(KEYS), createValue(random, depth - 1)]),
      );
  }
}

/** `__proto__` as a key of its own, as JSON.parse makes it. */
function fromEntries(entries: [string, unknown][]): object {
  return Object.fromEntries(entries) as object;
}

const BODIES: readonly (string | Uint8Array)[] = [
  "",
  "{",
  "[]",
  "null",
  '"text"',
  "1e999",
  "{}",
  "[".repeat(20_000),
  '{"a":'.repeat(5_000),
  "a: &a [*a, *a]\n",
  `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghi".replace(/./g, (name) => `${name}: &${name} [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n`)}`,
  "\uFEFF{}",
  "k8s\0\u0001\u0002",
  "---\n---\n",
  "&a [*a]",
  "? {a: b}\n: !!js/function x\n",
  "x".repeat(100_000),
  new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  JSON.stringify({
    metadata: { name: "big", labels: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, "v"])) },
  }),
  JSON.stringify({ metadata: { name: "long", annotations: { a: "x".repeat(300_000) } } }),
];
