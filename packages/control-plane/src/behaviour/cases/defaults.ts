/** What the server adds to objects of built-in kinds that say little, in which form it writes them, and who owns that. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal } from "../expect.ts";
import { pod } from "../manifests.ts";
import type { World } from "../world.ts";

const TIME = "2026-01-31T08:00:00Z";
const MICRO_TIME = "2026-01-31T08:00:00.123456Z";
const labels = { app: "x" };
const selector = { matchLabels: labels };
const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } };

/** Each object, once created, has at least these fields. */
async function expectCreated({ call }: World, path: string, rows: readonly [sent: object, fields: object][]) {
  for (const [index, [sent, fields]] of rows.entries()) {
    const body = { metadata: { name: `n${index}` }, ...sent };
    expectBody(await call("POST", path, { body }), 201, fields);
  }
}

/** The fields of a new object that its creator owns: `spec.replicas`. */
function ownedBy(managedFields: readonly object[] | undefined): string[] {
  const paths = (fields: object, at: string): string[] =>
    Object.entries(fields).flatMap(([key, inner]: [string, object]) => {
      const path = `${at}${at === "" ? "" : "."}${key.replace(/^f:/, "")}`;
      return Object.keys(inner).length === 0 ? [path] : paths(inner, path);
    });
  return (managedFields ?? [])
    .flatMap((entry) => ("fieldsV1" in entry ? paths(entry.fieldsV1 as object, "") : []))
    .toSorted();
}

export const defaultCases = behaviour("defaults", {
  "an event has times, if none, and who reported it, if nobody": async (world) => {
    const involvedObject = { kind: "Pod", name: "p", namespace: world.namespace };
    const nobody = { reportingComponent: "", reportingInstance: "" };
    await expectCreated(world, world.path("events"), [
      [{ involvedObject }, { eventTime: null, firstTimestamp: null, lastTimestamp: null, source: {}, ...nobody }],
      [
        { involvedObject, firstTimestamp: TIME },
        { eventTime: null, firstTimestamp: TIME, lastTimestamp: null },
      ],
    ]);
    const event = { eventTime: MICRO_TIME, regarding: involvedObject, reason: "r", action: "a", type: "Normal" };
    const reporter = { reportingController: "c", reportingInstance: "i" };
    const created = await world.call("POST", world.path("events.k8s.io/v1/events"), {
      body: { metadata: { name: "new" }, ...event, ...reporter },
    });
    const { managedFields } = expectBody(created, 201, {
      deprecatedFirstTimestamp: null,
      deprecatedLastTimestamp: null,
      deprecatedSource: {},
    }).metadata;
    assert.deepEqual(ownedBy(managedFields), Object.keys({ ...event, ...reporter }).toSorted());
  },
  "an event that says too little is refused": async ({ call, path, namespace }) => {
    const elsewhere = { field: "involvedObject.namespace", reason: "FieldValueInvalid" };
    const why = 'Invalid value: "": does not match event.namespace';
    const body = { metadata: { name: "e" }, involvedObject: {} };
    expectInvalid(await call("POST", path("events"), { body }), [{ ...elsewhere, message: why }]);
    const timed = { metadata: { name: "e" }, involvedObject: { namespace }, eventTime: MICRO_TIME, reason: "r" };
    const missing = ["reportingComponent", "reportingInstance", "action"];
    const causes = missing.map((field) => ({ field, reason: "FieldValueRequired", message: /^Required value/ }));
    const answer = await call("POST", path("events"), { body: timed });
    assert.partialDeepStrictEqual(answer.body["details"], {
      causes: causes.map(({ field, reason }) => ({ field, reason })),
    });
    const imprecise = { ...timed, eventTime: TIME };
    expectRefusal(await call("POST", path("events"), { body: imprecise }), 400, {
      reason: "BadRequest",
      message: `Event in version "v1" cannot be handled as a Event: parsing time "${TIME}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"`,
    });
  },
  "a node's status is there in full": async (world) => {
    const { call, unique } = world;
    const none = Object.fromEntries(
      [
        "architecture",
        "bootID",
        "containerRuntimeVersion",
        "kernelVersion",
        "kubeProxyVersion",
        "kubeletVersion",
        "machineID",
        "operatingSystem",
        "osImage",
        "systemUUID",
      ].map((field) => [field, ""]),
    );
    const name = unique("bare");
    const created = await call("POST", "/api/v1/nodes", { body: { metadata: { name } } });
    const { metadata } = expectBody(created, 201, {
      status: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: none },
    });
    assert.equal(metadata.managedFields, undefined);
    expectBody(await call("DELETE", `/api/v1/nodes/${name}`), 200);
    const status = { capacity: { cpu: "0.5", memory: "1024Mi" }, conditions: [{ type: "Ready", status: "True" }] };
    const body = { metadata: { name: unique("full") }, spec: { podCIDR: "10.1.0.0/24" }, status };
    expectBody(await call("POST", "/api/v1/nodes", { body }), 201, {
      spec: { podCIDRs: ["10.1.0.0/24"] },
      status: {
        capacity: { cpu: "500m", memory: "1Gi" },
        allocatable: { cpu: "500m", memory: "1Gi" },
        conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: null, lastTransitionTime: null }],
      },
    });
    expectBody(await call("DELETE", `/api/v1/nodes/${unique("full")}`), 200);
  },
  "quantities are written in one form": async (world) => {
    const hard = { "limits.memory": "1024Mi", "requests.memory": "1.5Gi", "limits.cpu": "0.5", pods: "1e3" };
    const written = { "limits.memory": "1Gi", "requests.memory": "1536Mi", "limits.cpu": "500m", pods: "1e3" };
    await expectCreated(world, world.path("resourcequotas"), [[{ spec: { hard } }, { spec: { hard: written } }]]);
  },
  "an endpoint slice has lists, if none, and ports a protocol": async (world) => {
    const { call, path } = world;
    const slices = path("discovery.k8s.io/v1/endpointslices");
    await expectCreated(world, slices, [
      [
        { addressType: "IPv4", endpoints: [] },
        { endpoints: null, ports: null, metadata: { generation: 1 } },
      ],
      [
        { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }], ports: [{ port: 80 }] },
        { ports: [{ name: "", protocol: "TCP", port: 80 }] },
      ],
    ]);
    const body = { metadata: { name: "bad" }, addressType: "Zap", endpoints: [{ addresses: [] }] };
    expectInvalid(await call("POST", slices, { body }), [
      {
        field: "addressType",
        reason: "FieldValueNotSupported",
        message: 'Unsupported value: "Zap": supported values: "FQDN", "IPv4", "IPv6"',
      },
      {
        field: "endpoints[0].addresses",
        reason: "FieldValueRequired",
        message: "Required value: must contain at least 1 address",
      },
    ]);
  },
  "probes, volumes and fields of a pod's are filled in": async (world) => {
    const fieldRef = { fieldPath: "metadata.name" };
    const container = {
      name: "c",
      image: "i",
      livenessProbe: { httpGet: { port: 80 } },
      env: [{ name: "E", valueFrom: { fieldRef } }],
      ports: [{ containerPort: 80 }],
      resources: { limits: { cpu: "1" } },
    };
    const volumes = [{ name: "a" }, { name: "b", secret: { secretName: "s" } }, { name: "c", hostPath: { path: "/" } }];
    const spec = { hostNetwork: true, containers: [container], volumes };
    await expectCreated(world, world.path("pods"), [
      [
        { spec },
        {
          spec: {
            containers: [
              {
                livenessProbe: {
                  httpGet: { path: "/", scheme: "HTTP" },
                  timeoutSeconds: 1,
                  periodSeconds: 10,
                  successThreshold: 1,
                  failureThreshold: 3,
                },
                env: [{ valueFrom: { fieldRef: { apiVersion: "v1" } } }],
                ports: [{ containerPort: 80, hostPort: 80, protocol: "TCP" }],
                resources: { requests: { cpu: "1" } },
              },
            ],
            volumes: [{ emptyDir: {} }, { secret: { defaultMode: 420 } }, { hostPath: { type: "" } }],
          },
          status: { qosClass: "Burstable" },
        },
      ],
    ]);
  },
  "workloads say how they are rolled out and run": async (world) => {
    const { path } = world;
    const idle = { ...template, spec: { ...template.spec, nodeSelector: { none: "none" } } };
    await expectCreated(world, path("apps/v1/daemonsets"), [
      [
        { spec: { selector, template: idle } },
        { spec: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } } },
      ],
    ]);
    await expectCreated(world, path("apps/v1/statefulsets"), [
      [
        { spec: { replicas: 0, serviceName: "x", selector, template } },
        {
          spec: {
            podManagementPolicy: "OrderedReady",
            revisionHistoryLimit: 10,
            persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
            updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
          },
        },
      ],
    ]);
    const once = { spec: { ...template.spec, restartPolicy: "Never" } };
    await expectCreated(world, path("batch/v1/jobs"), [
      [
        { spec: { suspend: true, template: once } },
        { spec: { backoffLimit: 6, completions: 1, parallelism: 1, completionMode: "NonIndexed" } },
      ],
    ]);
    await expectCreated(world, path("batch/v1/cronjobs"), [
      [
        { spec: { suspend: true, schedule: "0 0 1 1 *", jobTemplate: { spec: { template: once } } } },
        { spec: { concurrencyPolicy: "Allow", successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 } },
      ],
    ]);
  },
  "storage kinds say how they are to be handled": async (world) => {
    const { call, unique } = world;
    const name = unique("d");
    const driver = await call("POST", "/apis/storage.k8s.io/v1/csidrivers", { body: { metadata: { name } } });
    expectBody(driver, 201, {
      spec: { attachRequired: true, fsGroupPolicy: "ReadWriteOnceWithFSType", volumeLifecycleModes: ["Persistent"] },
    });
    const body = { metadata: { name }, provisioner: "example.com/x" };
    expectBody(await call("POST", "/apis/storage.k8s.io/v1/storageclasses", { body }), 201, {
      reclaimPolicy: "Delete",
      volumeBindingMode: "Immediate",
    });
    const vague = { metadata: { name }, spec: { attacher: "a", nodeName: "n", source: {} } };
    expectInvalid(await call("POST", "/apis/storage.k8s.io/v1/volumeattachments", { body: vague }), [
      {
        field: "spec.source",
        reason: "FieldValueRequired",
        message: "Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
      },
    ]);
    const attachment = { ...vague, spec: { ...vague.spec, source: { persistentVolumeName: "p" } } };
    const attached = await call("POST", "/apis/storage.k8s.io/v1/volumeattachments", { body: attachment });
    expectBody(attached, 201, { status: { attached: false } });
  },
  "what is there unasked belongs to whoever created the object, but not what admission adds": async ({
    call,
    path,
  }) => {
    const created = await call("POST", path("pods"), { body: pod("p") });
    const owned = ownedBy(expectBody(created, 201).metadata.managedFields);
    assert.ok(owned.includes("spec.restartPolicy"), owned.join());
    for (const field of ["spec.priority", "spec.preemptionPolicy", "spec.tolerations", "spec.serviceAccountName"]) {
      assert.ok(!owned.includes(field), field);
    }
    const budget = await call("POST", path("policy/v1/poddisruptionbudgets"), { body: { metadata: { name: "b" } } });
    const none = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
    assert.equal(expectBody(budget, 201, { status: none }).metadata.managedFields, undefined);
    const role = await call("POST", path("rbac.authorization.k8s.io/v1/roles"), { body: { metadata: { name: "r" } } });
    assert.equal(expectBody(role, 201, { rules: null }).metadata.managedFields, undefined);
  },
  "a claim lasts as long as a pod on a node uses it": async ({ call, path, until }) => {
    const claims = path("persistentvolumeclaims");
    const spec = { accessModes: ["ReadWriteOnce"], storageClassName: "none" };
    const resources = { requests: { storage: "1Gi" } };
    for (const name of ["used", "unused"]) {
      const answer = await call("POST", claims, { body: { metadata: { name }, spec: { ...spec, resources } } });
      assert.deepEqual(expectBody(answer, 201).metadata.finalizers, ["kubernetes.io/pvc-protection"]);
    }
    const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "used" } }];
    const user = pod("user", { nodeName: "nowhere", volumes, terminationGracePeriodSeconds: 0 });
    expectBody(await call("POST", path("pods"), { body: user }), 201);
    for (const name of ["used", "unused"]) {
      assert.ok(expectBody(await call("DELETE", `${claims}/${name}`), 200).metadata.deletionTimestamp);
    }
    await until(`${claims}/unused`, (claim) => claim === undefined);
    expectBody(await call("GET", `${claims}/used`), 200);
    expectBody(await call("DELETE", `${path("pods")}/user?gracePeriodSeconds=0`), 200);
    await until(`${claims}/used`, (claim) => claim === undefined);
    expectInvalid(await call("POST", claims, { body: { metadata: { name: "bad" } } }), [
      {
        field: "spec.accessModes",
        reason: "FieldValueRequired",
        message: "Required value: at least 1 access mode is required",
      },
      { field: "spec.resources[storage]", reason: "FieldValueRequired", message: "Required value" },
    ]);
  },
  "a volume lasts no longer than its claim": async ({ call, unique, until }) => {
    const name = unique("v");
    const csi = { driver: "d", volumeHandle: name };
    const spec = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], csi, storageClassName: "none" };
    const answer = await call("POST", "/api/v1/persistentvolumes", { body: { metadata: { name }, spec } });
    const { metadata, status } = expectBody(answer, 201, { spec: { persistentVolumeReclaimPolicy: "Retain" } });
    assert.deepEqual(metadata.finalizers, ["kubernetes.io/pv-protection"]);
    assert.partialDeepStrictEqual(status, { lastPhaseTransitionTime: metadata.creationTimestamp });
    expectBody(await call("DELETE", `/api/v1/persistentvolumes/${name}`), 200);
    await until(`/api/v1/persistentvolumes/${name}`, (volume) => volume === undefined);
  },
});
