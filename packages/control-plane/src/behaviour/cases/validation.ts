/** What makes pods, templates, services and nodes invalid, and what of them may not change. */
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid } from "../expect.ts";
import type { FieldProblem } from "../expect.ts";
import { deployment, node, pod } from "../manifests.ts";
import type { World } from "../world.ts";

type Row = [spec: JsonObject, field: string, problem: string, message: string];

const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const c = (fields: JsonObject = {}): JsonObject => ({ name: "c", image: "i", ...fields });

const POD_ROWS: Row[] = [
  [{ containers: [] }, "spec.containers", "Required", "Required value"],
  [{ containers: [c({ name: "C_" })] }, "spec.containers[0].name", "Invalid", `Invalid value: "C_": ${LABEL}`],
  [{ containers: [{ image: "i" }] }, "spec.containers[0].name", "Required", "Required value"],
  [{ containers: [{ name: "c" }] }, "spec.containers[0].image", "Required", "Required value"],
  [{ containers: [c(), c()] }, "spec.containers[1].name", "Duplicate", 'Duplicate value: "c"'],
  [{ containers: [c()], initContainers: [c()] }, "spec.initContainers[0].name", "Duplicate", 'Duplicate value: "c"'],
  [
    { containers: [c({ imagePullPolicy: "Zap" })] },
    "spec.containers[0].imagePullPolicy",
    "NotSupported",
    'Unsupported value: "Zap": supported values: "Always", "IfNotPresent", "Never"',
  ],
  [
    { containers: [c()], restartPolicy: "Zap" },
    "spec.restartPolicy",
    "NotSupported",
    'Unsupported value: "Zap": supported values: "Always", "OnFailure", "Never"',
  ],
  [
    { containers: [c({ ports: [{ containerPort: 0 }] })] },
    "spec.containers[0].ports[0].containerPort",
    "Required",
    "Required value",
  ],
  [
    { containers: [c({ ports: [{ containerPort: 70_000 }] })] },
    "spec.containers[0].ports[0].containerPort",
    "Invalid",
    "Invalid value: 70000: must be between 1 and 65535, inclusive",
  ],
  [
    { containers: [c({ volumeMounts: [{ name: "v", mountPath: "/x" }] })] },
    "spec.containers[0].volumeMounts[0].name",
    "NotFound",
    'Not found: "v"',
  ],
  [{ containers: [c()], volumes: [{}] }, "spec.volumes[0].name", "Required", "Required value"],
  [
    { containers: [c({ env: [{ name: "a=b" }] })] },
    "spec.containers[0].env[0].name",
    "Invalid",
    "Invalid value: \"a=b\": a valid environment variable name must consist only of printable ASCII characters other than '='",
  ],
  [
    { containers: [c({ resources: { limits: { cpu: "1" }, requests: { cpu: "2" } } })] },
    "spec.containers[0].resources.requests",
    "Invalid",
    'Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    { containers: [c()], tolerations: [{ operator: "Equal" }] },
    "spec.tolerations[0].operator",
    "Invalid",
    'Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
  ],
  [
    { containers: [c()], tolerations: [{ key: "a", effect: "NoSchedule", tolerationSeconds: 4 }] },
    "spec.tolerations[0].effect",
    "Invalid",
    "Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
  ],
  [
    { containers: [c()], activeDeadlineSeconds: 0 },
    "spec.activeDeadlineSeconds",
    "Invalid",
    "Invalid value: 0: must be between 1 and 2147483647, inclusive",
  ],
];

const SERVICE_ROWS: Row[] = [
  [{ ports: [{ name: "a", port: 80 }, { port: 81 }] }, "spec.ports[1].name", "Required", "Required value"],
  [
    {
      ports: [
        { name: "a", port: 80 },
        { name: "a", port: 81 },
      ],
    },
    "spec.ports[1].name",
    "Duplicate",
    'Duplicate value: "a"',
  ],
  [{ ports: [{ port: 80, name: "A_" }] }, "spec.ports[0].name", "Invalid", `Invalid value: "A_": ${LABEL}`],
  [
    { ports: [{ port: 80, targetPort: 70_000 }] },
    "spec.ports[0].targetPort",
    "Invalid",
    "Invalid value: 70000: must be between 1 and 65535, inclusive",
  ],
  [
    { ports: [{ port: 80, protocol: "Zap" }] },
    "spec.ports[0].protocol",
    "NotSupported",
    'Unsupported value: "Zap": supported values: "SCTP", "TCP", "UDP"',
  ],
  [
    { type: "Zap" },
    "spec.type",
    "NotSupported",
    'Unsupported value: "Zap": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
  ],
  [
    { sessionAffinity: "Zap" },
    "spec.sessionAffinity",
    "NotSupported",
    'Unsupported value: "Zap": supported values: "ClientIP", "None"',
  ],
];

const NODE_ROWS: Row[] = [
  [{ taints: [{ key: "a" }] }, "metadata.taints[0].effect", "Required", "Required value"],
  [
    { taints: [{ key: "a", value: "not ok!", effect: "NoSchedule" }] },
    "metadata.taints[0].value",
    "Invalid",
    `Invalid value: "not ok!": ${VALUE}`,
  ],
  [
    {
      taints: [
        { key: "a", effect: "NoSchedule" },
        { key: "a", effect: "NoSchedule", value: "b" },
      ],
    },
    "metadata.taints[1]",
    "Duplicate",
    'Duplicate value: {"Key":"a","Value":"b","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
  ],
];

function problem([, field, kind, message]: Row, prefix = ""): FieldProblem {
  return { field: `${prefix}${field}`, reason: `FieldValue${kind}`, message };
}

async function expectAllRefused({ call }: World, path: string, rows: readonly [JsonObject, FieldProblem][]) {
  for (const [body, expected] of rows) expectInvalid(await call("POST", path, { body }), [expected]);
}

export const validationCases = behaviour("validation", {
  "a pod that could not run is refused": async (world) => {
    const rows = POD_ROWS.map((row) => [pod("p", row[0]), problem(row)] as [JsonObject, FieldProblem]);
    await expectAllRefused(world, world.path("pods"), rows);
  },
  "and so is a template of one": async (world) => {
    const rows = POD_ROWS.slice(1, 6).map((row): [JsonObject, FieldProblem] => {
      const template = { metadata: { labels: { app: "d" } }, spec: row[0] };
      return [deployment("d", { template }), problem(row, "spec.template.")];
    });
    await expectAllRefused(world, world.path("apps/v1/deployments"), rows);
  },
  "a pod keeps its containers, its deadline and its tolerations": async ({ call, path }) => {
    expectBody(await call("POST", path("pods"), { body: pod("p", { activeDeadlineSeconds: 5 }) }), 201);
    const patch = (spec: JsonObject) =>
      call("PATCH", `${path("pods")}/p`, { body: { spec }, type: "application/strategic-merge-patch+json" });
    expectInvalid(await patch({ containers: [c()] }), [
      {
        field: "spec.containers",
        reason: "FieldValueForbidden",
        message: "Forbidden: pod updates may not add or remove containers",
      },
    ]);
    const deadline = { field: "spec.activeDeadlineSeconds", reason: "FieldValueInvalid" };
    const less = "Invalid value: 6: must be less than or equal to previous value";
    expectInvalid(await patch({ activeDeadlineSeconds: 6 }), [{ ...deadline, message: less }]);
    const none = "Invalid value: null: must not update from a positive integer to nil value";
    expectInvalid(await patch({ activeDeadlineSeconds: null }), [{ ...deadline, message: none }]);
    expectBody(await patch({ activeDeadlineSeconds: 4 }), 200);
    const own = { key: "own", operator: "Exists" };
    // What is taken off of the patience with nodes comes back.
    const kept = expectBody(await patch({ tolerations: [own] }), 200)["spec"] as { tolerations: unknown[] };
    if (kept.tolerations.length !== 3) throw new Error(JSON.stringify(kept.tolerations));
    expectInvalid(await patch({ tolerations: [{ key: "other", operator: "Exists" }] }), [
      {
        field: "spec.tolerations",
        reason: "FieldValueForbidden",
        message: "Forbidden: existing toleration can not be modified except its tolerationSeconds",
      },
    ]);
    const image = { field: "spec.containers[0].image", reason: "FieldValueRequired", message: "Required value" };
    expectInvalid(await patch({ containers: [{ name: "app", image: "" }] }), [image]);
  },
  "a service that nobody could reach is refused": async (world) => {
    const rows = SERVICE_ROWS.map((row): [JsonObject, FieldProblem] => {
      const spec = { clusterIP: "None", selector: { a: "b" }, ...row[0] };
      return [{ metadata: { name: "s" }, spec }, problem(row)];
    });
    await expectAllRefused(world, world.path("services"), rows);
  },
  "taints are whole and differ": async (world) => {
    const rows = NODE_ROWS.map((row) => [node(world.unique("n"), row[0]), problem(row)] as [JsonObject, FieldProblem]);
    await expectAllRefused(world, "/api/v1/nodes", rows);
  },
  "where a node is does not change": async ({ call, unique }) => {
    const at = `/api/v1/nodes/${unique("n")}`;
    const body = node(unique("n"), { podCIDR: "10.0.0.0/24", providerID: "a://b" });
    expectBody(await call("POST", "/api/v1/nodes", { body }), 201);
    const forbidden = (field: string, named: string) => ({
      field: `spec.${field}`,
      reason: "FieldValueForbidden",
      message: `Forbidden: node updates may not change ${named} except from "" to valid`,
    });
    const spec = { podCIDR: "10.0.1.0/24", podCIDRs: ["10.0.1.0/24"], providerID: null };
    expectInvalid(await call("PATCH", at, { body: { spec } }), [
      forbidden("podCIDRs", "podCIDR"),
      forbidden("providerID", "providerID"),
    ]);
    const addresses = [1, 2].map(() => ({ type: "InternalIP", address: "1.1.1.1" }));
    expectInvalid(await call("PATCH", `${at}/status`, { body: { status: { addresses } } }), [
      {
        field: "status.addresses[1]",
        reason: "FieldValueDuplicate",
        message: 'Duplicate value: {"Type":"InternalIP","Address":"1.1.1.1"}',
      },
    ]);
    expectBody(await call("DELETE", at), 200);
  },
});
