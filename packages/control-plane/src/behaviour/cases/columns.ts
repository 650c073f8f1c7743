/** What `kubectl get` shows of each kind, columns of wide output with an asterisk. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, itemsAt } from "../expect.ts";
import { configMap, deployment, lease, node, pod } from "../manifests.ts";
import { AGE, columnsOf, rowsOf, TABLE } from "../tables.ts";
import type { World } from "../world.ts";

type Shown = {
  /** A collection of the namespace, or the path of one. */
  of: string;
  body: JsonObject | ((world: World) => JsonObject);
  status?: JsonObject;
  columns: string[];
  /** The name as NAME, the age as AGE. */
  cells: unknown[];
};

function shows({ of, body, status, columns, cells }: Shown) {
  return async (world: World): Promise<void> => {
    const at = of.startsWith("/") ? of : world.path(of);
    const manifest = typeof body === "function" ? body(world) : body;
    const { metadata } = expectBody(await world.call("POST", at, { body: manifest }), 201);
    if (status !== undefined)
      expectBody(await world.call("PATCH", `${at}/${metadata.name}/status`, { body: { status } }), 200);
    const answer = await world.call("GET", `${at}/${metadata.name}`, { accept: TABLE });
    assert.deepEqual(columnsOf(answer), columns);
    const shown = (rowsOf(answer)[0]?.cells ?? []).map((cell, index) => {
      if (columns[index] === "Name" && cell === metadata.name) return "NAME";
      return columns[index] === "Age" && AGE.test(String(cell)) ? "AGE" : cell;
    });
    assert.deepEqual(shown, cells);
  };
}

const READY = { type: "Ready", status: "True" };
const TEMPLATE = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "app", image: "i:1" }] } };
const JOB = { ...TEMPLATE, spec: { ...TEMPLATE.spec, restartPolicy: "Never" } };
const SELECTOR = { matchLabels: { a: "b" } };
const WORKLOAD = ["Containers*", "Images*"];

/** A Pod of one container, and of what starts before it. */
function podShows(status: JsonObject, cells: [ready: string, status: string, restarts: string], spec: JsonObject = {}) {
  return async ({ call, path }: World): Promise<void> => {
    expectBody(await call("POST", path("pods"), { body: pod("p", spec) }), 201);
    expectBody(await call("PATCH", `${path("pods")}/p/status`, { body: { status } }), 200);
    const answer = await call("GET", `${path("pods")}/p`, { accept: TABLE });
    const [, ready, state, restarts] = rowsOf(answer)[0]?.cells ?? [];
    assert.deepEqual([ready, state, String(restarts).replace(/\d+y/, "YEARS")], cells);
  };
}

const container = (name: string, state: JsonObject, more: JsonObject = {}): JsonObject => ({
  name,
  image: "i:1",
  imageID: "",
  ready: false,
  restartCount: 0,
  state,
  ...more,
});
const ended = (exitCode: number, more: JsonObject = {}): JsonObject => ({
  terminated: { exitCode, startedAt: null, finishedAt: null, ...more },
});
const RUNNING = { running: { startedAt: null } };
const STARTS = { initContainers: ["x", "y"].map((name) => ({ name, image: "i:1" })) };

export const columnCases = behaviour("columns", {
  "a ConfigMap": shows({
    of: "configmaps",
    body: configMap("a", { x: "1", y: "2" }),
    columns: ["Name", "Data", "Age"],
    cells: ["NAME", 2, "AGE"],
  }),
  "a Node": shows({
    of: "/api/v1/nodes",
    body: ({ unique }) =>
      node(unique("n"), { unschedulable: true }, { labels: { "node-role.kubernetes.io/worker": "" } }),
    status: {
      conditions: [READY],
      addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
      nodeInfo: {
        kubeletVersion: "v1.36.0",
        osImage: "Some OS",
        kernelVersion: "6.1",
        containerRuntimeVersion: "containerd://2",
        machineID: "",
        systemUUID: "",
        bootID: "",
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: "amd64",
      },
    },
    columns: [
      "Name",
      "Status",
      "Roles",
      "Age",
      "Version",
      "Internal-IP*",
      "External-IP*",
      "OS-Image*",
      "Kernel-Version*",
      "Container-Runtime*",
    ],
    cells: [
      "NAME",
      "Ready,SchedulingDisabled",
      "worker",
      "AGE",
      "v1.36.0",
      "10.0.0.1",
      "<none>",
      "Some OS",
      "6.1 (amd64)",
      "containerd://2",
    ],
  }),
  "a Pod": shows({
    of: "pods",
    body: pod("p"),
    columns: ["Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*", "Nominated Node*", "Readiness Gates*"],
    cells: ["NAME", "0/1", "Pending", "0", "AGE", "<none>", "<none>", "<none>", "<none>"],
  }),
  "a Deployment": shows({
    of: "apps/v1/deployments",
    body: deployment("d"),
    columns: ["Name", "Ready", "Up-to-date", "Available", "Age", "Containers*", "Images*", "Selector*"],
    cells: ["NAME", "0/0", 0, 0, "AGE", "app", "registry.example/app:1", "app=d"],
  }),
  "a Lease": shows({
    of: "coordination.k8s.io/v1/leases",
    body: lease("l", { holderIdentity: "me" }),
    columns: ["Name", "Holder", "Age"],
    cells: ["NAME", "me", "AGE"],
  }),
  "a Namespace": shows({
    of: "/api/v1/namespaces",
    body: ({ unique }) => ({ metadata: { name: unique("x") } }),
    columns: ["Name", "Status", "Age"],
    cells: ["NAME", "Active", "AGE"],
  }),
  "a ServiceAccount": shows({
    of: "serviceaccounts",
    body: { metadata: { name: "sa" } },
    columns: ["Name", "Age"],
    cells: ["NAME", "AGE"],
  }),
  "a PodDisruptionBudget": shows({
    of: "policy/v1/poddisruptionbudgets",
    body: { metadata: { name: "b" }, spec: { minAvailable: 1, selector: { matchLabels: { a: "b" } } } },
    columns: ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"],
    cells: ["NAME", "1", "N/A", 0, "AGE"],
  }),
  "a RoleBinding": shows({
    of: "rbac.authorization.k8s.io/v1/rolebindings",
    body: {
      metadata: { name: "b" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [
        { kind: "User", name: "u" },
        { kind: "Group", name: "g" },
        { kind: "ServiceAccount", name: "s", namespace: "n" },
      ],
    },
    columns: ["Name", "Role", "Age", "Users*", "Groups*", "ServiceAccounts*"],
    cells: ["NAME", "ClusterRole/view", "AGE", "u", "g", "n/s"],
  }),
  "a Deployment by an expression": shows({
    of: "apps/v1/deployments",
    body: deployment("d", {
      selector: { matchLabels: { app: "d" }, matchExpressions: [{ key: "aa", operator: "NotIn", values: ["z", "y"] }] },
    }),
    columns: ["Name", "Ready", "Up-to-date", "Available", "Age", ...WORKLOAD, "Selector*"],
    cells: ["NAME", "0/0", 0, 0, "AGE", "app", "registry.example/app:1", "aa notin (y,z),app=d"],
  }),
  "a DaemonSet": shows({
    of: "apps/v1/daemonsets",
    body: {
      metadata: { name: "s" },
      spec: { selector: SELECTOR, template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, nodeSelector: { none: "x" } } } },
    },
    columns: [
      "Name",
      "Desired",
      "Current",
      "Ready",
      "Up-to-date",
      "Available",
      "Node Selector",
      "Age",
      ...WORKLOAD,
      "Selector*",
    ],
    cells: ["NAME", 0, 0, 0, 0, 0, "none=x", "AGE", "app", "i:1", "a=b"],
  }),
  "a ReplicationController": shows({
    of: "replicationcontrollers",
    body: { metadata: { name: "r" }, spec: { replicas: 0, selector: { a: "b" }, template: TEMPLATE } },
    columns: ["Name", "Desired", "Current", "Ready", "Age", ...WORKLOAD, "Selector*"],
    cells: ["NAME", 0, 0, 0, "AGE", "app", "i:1", "a=b"],
  }),
  "a ControllerRevision": shows({
    of: "apps/v1/controllerrevisions",
    body: {
      metadata: {
        name: "r",
        ownerReferences: [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "d", uid: "1", controller: true }],
        finalizers: ["example.com/stay"],
      },
      data: {},
      revision: 5,
    },
    columns: ["Name", "Controller", "Revision", "Age"],
    cells: ["NAME", "daemonset.apps/d", 5, "AGE"],
  }),
  // Another controller than the cluster's is to manage it, and leave it as it is.
  "a Job": shows({
    of: "batch/v1/jobs",
    body: {
      metadata: { name: "j" },
      spec: { managedBy: "example.com/none", manualSelector: true, parallelism: 3, selector: SELECTOR, template: JOB },
    },
    status: {
      startTime: "2026-01-01T00:00:00Z",
      completionTime: "2026-01-01T00:00:05Z",
      succeeded: 1,
      conditions: [
        { type: "SuccessCriteriaMet", status: "True" },
        { type: "Complete", status: "True" },
      ],
    },
    columns: ["Name", "Status", "Completions", "Duration", "Age", ...WORKLOAD, "Selector*"],
    cells: ["NAME", "Complete", "1/1 of 3", "5s", "AGE", "app", "i:1", "a=b"],
  }),
  "a CronJob": shows({
    of: "batch/v1/cronjobs",
    body: {
      metadata: { name: "c" },
      spec: {
        schedule: "0 0 * * *",
        timeZone: "Europe/Paris",
        suspend: true,
        jobTemplate: { spec: { template: JOB } },
      },
    },
    columns: ["Name", "Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Age", ...WORKLOAD, "Selector*"],
    cells: ["NAME", "0 0 * * *", "Europe/Paris", "True", 0, "<none>", "AGE", "app", "i:1", "<none>"],
  }),
  "a HorizontalPodAutoscaler": shows({
    of: "autoscaling/v2/horizontalpodautoscalers",
    body: {
      metadata: { name: "h" },
      spec: {
        maxReplicas: 5,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" },
        metrics: [
          { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } } },
          { type: "Pods", pods: { metric: { name: "m" }, target: { type: "AverageValue", averageValue: "5" } } },
          { type: "External", external: { metric: { name: "m" }, target: { type: "Value", value: "5" } } },
        ],
      },
    },
    columns: ["Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"],
    cells: ["NAME", "Deployment/d", "cpu: <unknown>/60%, <unknown>/5 + 1 more...", "1", 5, 0, "AGE"],
  }),
  "a PriorityClass": shows({
    of: "/apis/scheduling.k8s.io/v1/priorityclasses",
    body: ({ unique }) => ({ metadata: { name: unique("p") }, value: 5 }),
    columns: ["Name", "Value", "Global-Default", "Age", "PreemptionPolicy"],
    cells: ["NAME", 5, false, "AGE", "PreemptLowerPriority"],
  }),
  "a ResourceQuota": shows({
    of: "resourcequotas",
    body: { metadata: { name: "q" }, spec: { hard: { pods: "3", "limits.cpu": "2", "count/a.b": "1" } } },
    status: {
      hard: { pods: "3", "limits.cpu": "2", "count/a.b": "1" },
      used: { pods: "0", "limits.cpu": "0", "count/a.b": "0" },
    },
    columns: ["Name", "Request", "Limit", "Age"],
    cells: ["NAME", "count/a.b: 0/1, pods: 0/3", "limits.cpu: 0/2", "AGE"],
  }),
  "a PersistentVolume": shows({
    of: "/api/v1/persistentvolumes",
    body: ({ unique }) => ({
      metadata: { name: unique("v") },
      spec: {
        capacity: { storage: "1024Mi" },
        accessModes: ["ReadWriteMany", "ReadWriteOnce"],
        hostPath: { path: "/x" },
        storageClassName: "s",
        claimRef: { kind: "PersistentVolumeClaim", namespace: "default", name: "c" },
      },
    }),
    // As its controller would have it too.
    status: { phase: "Available" },
    columns: [
      "Name",
      "Capacity",
      "Access Modes",
      "Reclaim Policy",
      "Status",
      "Claim",
      "StorageClass",
      "VolumeAttributesClass",
      "Reason",
      "Age",
      "VolumeMode*",
    ],
    cells: ["NAME", "1Gi", "RWO,RWX", "Retain", "Available", "default/c", "s", "<unset>", "", "AGE", "Filesystem"],
  }),
  "a PersistentVolumeClaim": shows({
    of: "persistentvolumeclaims",
    body: {
      metadata: { name: "c" },
      spec: { accessModes: ["ReadWriteOnce"], storageClassName: "none", resources: { requests: { storage: "1Gi" } } },
    },
    columns: [
      "Name",
      "Status",
      "Volume",
      "Capacity",
      "Access Modes",
      "StorageClass",
      "VolumeAttributesClass",
      "Age",
      "VolumeMode*",
    ],
    cells: ["NAME", "Pending", "", "", "", "none", "<unset>", "AGE", "Filesystem"],
  }),
  "a StorageClass": shows({
    of: "/apis/storage.k8s.io/v1/storageclasses",
    body: ({ unique }) => ({ metadata: { name: unique("s") }, provisioner: "example.com/disks" }),
    columns: ["Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"],
    cells: ["NAME", "example.com/disks", "Delete", "Immediate", false, "AGE"],
  }),
  "a CSIDriver": shows({
    of: "/apis/storage.k8s.io/v1/csidrivers",
    body: ({ unique }) => ({ metadata: { name: unique("d") }, spec: {} }),
    columns: [
      "Name",
      "AttachRequired",
      "PodInfoOnMount",
      "StorageCapacity",
      "TokenRequests",
      "RequiresRepublish",
      "Modes",
      "Age",
    ],
    cells: ["NAME", true, false, false, "<unset>", false, "Persistent", "AGE"],
  }),
  "a CSINode": shows({
    of: "/apis/storage.k8s.io/v1/csinodes",
    body: ({ unique }) => ({ metadata: { name: unique("n") }, spec: { drivers: [{ name: "d", nodeID: "n" }] } }),
    columns: ["Name", "Drivers", "Age"],
    cells: ["NAME", 1, "AGE"],
  }),
  "a Service without an address": shows({
    of: "services",
    body: {
      metadata: { name: "s" },
      spec: { clusterIP: "None", externalIPs: ["1.2.3.4"], ports: [{ port: 80 }], selector: { b: "c", a: "b" } },
    },
    columns: ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector*"],
    cells: ["NAME", "ClusterIP", "None", "1.2.3.4", "80/TCP", "AGE", "a=b,b=c"],
  }),
  "a Service that is elsewhere": shows({
    of: "services",
    body: { metadata: { name: "s" }, spec: { type: "ExternalName", externalName: "other.example.com" } },
    columns: ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector*"],
    cells: ["NAME", "ExternalName", "<none>", "other.example.com", "<none>", "AGE", "<none>"],
  }),
  Endpoints: shows({
    of: "endpoints",
    body: {
      metadata: { name: "e" },
      subsets: [
        {
          addresses: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }],
          ports: [
            { name: "a", port: 1 },
            { name: "b", port: 2 },
          ],
        },
      ],
    },
    columns: ["Name", "Endpoints", "Age"],
    cells: ["NAME", "10.0.0.1:1,10.0.0.2:1,10.0.0.1:2 + 1 more...", "AGE"],
  }),
  "an EndpointSlice": shows({
    of: "discovery.k8s.io/v1/endpointslices",
    body: {
      metadata: { name: "e" },
      addressType: "IPv4",
      endpoints: ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map((address) => ({ addresses: [address] })),
      ports: [{ name: "a", port: 1 }, { name: "b" }],
    },
    columns: ["Name", "AddressType", "Ports", "Endpoints", "Age"],
    cells: ["NAME", "IPv4", "1,b", "10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...", "AGE"],
  }),
  "an Ingress": shows({
    of: "networking.k8s.io/v1/ingresses",
    body: {
      metadata: { name: "i" },
      spec: {
        ingressClassName: "c",
        tls: [{ hosts: ["a.example"] }],
        rules: ["a.example", "b.example", "c.example", "d.example"].map((host) => ({ host })),
      },
    },
    status: { loadBalancer: { ingress: [{ hostname: "lb.example" }, { ip: "1.2.3.4" }] } },
    columns: ["Name", "Class", "Hosts", "Address", "Ports", "Age"],
    cells: ["NAME", "c", "a.example,b.example,c.example + 1 more...", "1.2.3.4,lb.example", "80, 443", "AGE"],
  }),
  "an IngressClass": shows({
    of: "/apis/networking.k8s.io/v1/ingressclasses",
    body: ({ unique }) => ({
      metadata: { name: unique("i") },
      spec: {
        controller: "example.com/c",
        parameters: { apiGroup: "g.example", kind: "K", name: "n", scope: "Cluster" },
      },
    }),
    columns: ["Name", "Controller", "Parameters", "Age"],
    cells: ["NAME", "example.com/c", "K.g.example/n", "AGE"],
  }),
  "a NetworkPolicy": shows({
    of: "networking.k8s.io/v1/networkpolicies",
    body: { metadata: { name: "n" }, spec: { podSelector: {} } },
    columns: ["Name", "Pod-Selector", "Age"],
    cells: ["NAME", "<none>", "AGE"],
  }),
  "an Event": async ({ call, path, namespace }) => {
    const body = {
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", name: "p", namespace, fieldPath: "spec" },
      reason: "R",
      message: " words\n",
      type: "Normal",
      firstTimestamp: "2020-01-01T00:00:00Z",
      source: { component: "c", host: "h" },
    };
    expectBody(await call("POST", path("events"), { body }), 201);
    for (const events of ["events", "events.k8s.io/v1/events"]) {
      const answer = await call("GET", `${path(events)}/e`, { accept: TABLE });
      const [lastSeen, type, reason, object, part, source, message, firstSeen, count] = rowsOf(answer)[0]?.cells ?? [];
      assert.deepEqual(
        [type, reason, object, part, source, message, count],
        ["Normal", "R", "pod/p", "spec", "c, h", "words", 1],
      );
      assert.match(String(firstSeen), /^\d+y/);
      assert.equal(lastSeen, firstSeen);
    }
  },
  "a Pod whose container waits": podShows(
    { containerStatuses: [container("app", { waiting: { reason: "ImagePullBackOff" } })] },
    ["0/1", "ImagePullBackOff", "0"],
  ),
  "a Pod whose container was killed": podShows(
    { phase: "Failed", containerStatuses: [container("app", ended(137, { signal: 9 }))] },
    ["0/1", "Signal:9", "0"],
    { restartPolicy: "Never" },
  ),
  "a Pod whose container failed without a reason": podShows(
    { phase: "Running", containerStatuses: [container("app", ended(3))] },
    ["0/1", "ExitCode:3", "0"],
  ),
  "a Pod that was restarted says when": podShows(
    {
      phase: "Running",
      containerStatuses: [
        container("app", RUNNING, {
          ready: true,
          restartCount: 4,
          lastState: ended(1, { finishedAt: "2010-01-01T00:00:00Z" }),
        }),
      ],
    },
    ["1/1", "Running", "4 (YEARS ago)"],
  ),
  "a Pod of which one container has ended": podShows(
    {
      phase: "Running",
      containerStatuses: [
        container("app", ended(0, { reason: "Completed" })),
        container("b", RUNNING, { ready: true }),
      ],
    },
    ["1/2", "NotReady", "0"],
    { containers: ["app", "b"].map((name) => ({ name, image: "i:1" })) },
  ),
  "a Pod that starts": podShows(
    { phase: "Pending", initContainerStatuses: [container("x", ended(0)), container("y", RUNNING)] },
    ["0/1", "Init:1/2", "0"],
    STARTS,
  ),
  "a Pod that does not come to start": podShows(
    {
      phase: "Pending",
      initContainerStatuses: [container("x", { waiting: { reason: "CrashLoopBackOff" } }, { restartCount: 2 })],
    },
    ["0/1", "Init:CrashLoopBackOff", "2"],
    STARTS,
  ),
  "a Pod with a sidecar counts it": podShows(
    {
      phase: "Running",
      initContainerStatuses: [container("x", RUNNING, { started: true, ready: true, restartCount: 1 })],
      containerStatuses: [container("app", RUNNING, { ready: true, restartCount: 1 })],
    },
    ["2/2", "Running", "2"],
    { initContainers: [{ name: "x", image: "i:1", restartPolicy: "Always" }] },
  ),
  "a Pod that was evicted": podShows({ phase: "Failed", reason: "Evicted" }, ["0/1", "Evicted", "0"]),
  "a Pod behind gates": podShows({}, ["0/1", "SchedulingGated", "0"], { schedulingGates: [{ name: "example.com/g" }] }),
  "a Pod that goes": async ({ call, path }) => {
    await call("POST", path("pods"), { body: pod("p", {}, { finalizers: ["example.com/stay"] }) });
    await call("DELETE", `${path("pods")}/p?gracePeriodSeconds=0`);
    const answer = await call("GET", `${path("pods")}/p`, { accept: TABLE });
    assert.equal(rowsOf(answer)[0]?.cells[2], "Terminating");
  },
  "a Pod that has ended says so of its row": async ({ call, path }) => {
    await call("POST", path("pods"), { body: pod("p") });
    await call("PATCH", `${path("pods")}/p/status`, { body: { status: { phase: "Succeeded" } } });
    const answer = await call("GET", `${path("pods")}/p`, { accept: TABLE });
    assert.deepEqual(itemsAt(rowsOf(answer)[0], "conditions"), [
      { type: "Completed", status: "True", reason: "Succeeded", message: "The pod has completed successfully." },
    ]);
  },
});
