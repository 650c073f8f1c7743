// The JavaScript client of Kubernetes, as its users use it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  ApiException,
  ApiextensionsV1Api,
  ApisApi,
  AppsV1Api,
  AuthenticationV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  loadAllYaml,
  loadYaml,
  PatchStrategy,
  PolicyV1Api,
  setHeaderOptions,
  V1ConfigMap,
  V1ObjectMeta,
  VersionApi,
  Watch,
  type KubernetesObject,
  type V1CustomResourceDefinition,
  type V1Status,
} from "@kubernetes/client-node";
import { customResourceDefinitions } from "@machine-controller/api";
import type { Body } from "../body.ts";
import { followThousands } from "./informers.ts";

const PATIENCE_MS = 30_000;
const GROUP = "cluster.k8s.io";
const machineDeployments = { group: GROUP, version: "v1alpha1", namespace: "default", plural: "machinedeployments" };

const patchAs = (strategy: string) => setHeaderOptions("Content-Type", strategy);

export function javascriptSuite(title: string, start: () => Promise<Body>): void {
  describe(title, () => {
    let body: Body;
    const config = new KubeConfig();
    before(async () => {
      body = await start();
      config.loadFromFile(body.kubeconfigPath);
    });
    after(() => body.stop());

    test("creates, reads, replaces, patches in each way, and deletes", async () => {
      const core = config.makeApiClient(CoreV1Api);
      const apps = config.makeApiClient(AppsV1Api);
      const namespace = "default";
      const made = await core.createNamespacedConfigMap({
        namespace,
        body: { metadata: { generateName: "made-" }, data: { one: "1" } },
      });
      const name = made.metadata?.name ?? "";
      assert.match(name, /^made-[a-z0-9]{5}$/);
      assert.ok(made.metadata?.creationTimestamp instanceof Date);
      const replaced = await core.replaceNamespacedConfigMap({
        namespace,
        name,
        body: Object.assign(new V1ConfigMap(), made, { data: { two: "2" } }),
      });
      assert.deepEqual(replaced.data, { two: "2" });
      await refuses(
        core.replaceNamespacedConfigMap({ namespace, name, body: made }),
        409,
        /the object has been modified/,
      );

      const list = [{ op: "add", path: "/data/json", value: "3" }];
      await core.patchNamespacedConfigMap({ namespace, name, body: list }, patchAs(PatchStrategy.JsonPatch));
      const merge = { data: { two: null, merged: "4" } };
      const patched = await core.patchNamespacedConfigMap(
        { namespace, name, body: merge },
        patchAs(PatchStrategy.MergePatch),
      );
      assert.deepEqual(patched.data, { json: "3", merged: "4" });

      await apps.createNamespacedDeployment({ namespace, body: deployment("web") });
      const image = { spec: { template: { spec: { containers: [{ name: "side", image: "busybox:2" }] } } } };
      const merged = await apps.patchNamespacedDeployment(
        { namespace, name: "web", body: image },
        patchAs(PatchStrategy.StrategicMergePatch),
      );
      const images = merged.spec?.template.spec?.containers.map((container) => container.image);
      assert.deepEqual(images, ["nginx:1", "busybox:2"]);

      const apply = (fieldManager: string, data: object, force = false) =>
        core.patchNamespacedConfigMap(
          {
            namespace,
            name: "applied",
            fieldManager,
            force,
            body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "applied" }, data },
          },
          patchAs(PatchStrategy.ServerSideApply),
        );
      assert.deepEqual((await apply("one", { a: "1", b: "1" })).data, { a: "1", b: "1" });
      assert.deepEqual((await apply("one", { a: "1" })).data, { a: "1" });
      await refuses(apply("two", { a: "2" }), 409, /Apply failed with 1 conflict: conflict with "one": .data.a/);
      assert.deepEqual((await apply("two", { a: "2" }, true)).data, { a: "2" });

      await core.deleteNamespacedConfigMap({ namespace, name });
      const status = await refuses(core.readNamespacedConfigMap({ namespace, name }), 404, /configmaps ".*" not found/);
      assert.deepEqual([status.reason, status.details?.kind], ["NotFound", "configmaps"]);
    });

    test("lists page by page", async () => {
      const core = config.makeApiClient(CoreV1Api);
      const namespace = "default";
      const labels = { paged: "yes" };
      for (let index = 0; index < 25; index += 1) {
        await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: `page-${index}`, labels } } });
      }
      const names: string[] = [];
      const versions = new Set<string>();
      let _continue: string | undefined;
      do {
        const page = await core.listNamespacedConfigMap({
          namespace,
          labelSelector: "paged in (yes)",
          limit: 10,
          ...(_continue !== undefined && { _continue }),
        });
        names.push(...page.items.map((item) => item.metadata?.name ?? ""));
        versions.add(page.metadata?.resourceVersion ?? "");
        _continue = page.metadata?._continue;
        await core.deleteNamespacedConfigMap({ namespace, name: `page-${24 - Math.ceil(names.length / 10)}` });
      } while (_continue);
      assert.equal(versions.size, 1, "all pages are of one moment");
      assert.equal(new Set(names).size, 25, "what goes between two pages was there when the list began");
      assert.equal(names.length, 25);
      const remaining = await core.listNamespacedConfigMap({ namespace, fieldSelector: "metadata.name=page-9" });
      assert.equal(remaining.items.length, 1);
      await refuses(
        core.listNamespacedConfigMap({ namespace, limit: 1, _continue: "nonsense" }),
        400,
        /continue key is not valid/,
      );
      await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: "paged" });
      assert.deepEqual((await core.listNamespacedConfigMap({ namespace, labelSelector: "paged" })).items, []);
    });

    test("works with Machines, their status and scale", async () => {
      await installMachines(config);
      const custom = config.makeApiClient(CustomObjectsApi);
      await custom.createNamespacedCustomObject({ ...machineDeployments, body: machineDeployment("pool") });
      const at = { ...machineDeployments, name: "pool" };
      const status = { status: { replicas: 2, observedGeneration: 1 }, spec: { replicas: 9 } };
      const withStatus = (await custom.patchNamespacedCustomObjectStatus(
        { ...at, body: status },
        patchAs(PatchStrategy.MergePatch),
      )) as Machines;
      assert.deepEqual([withStatus.status?.replicas, withStatus.spec.replicas], [2, 1], "spec is not the status'");
      const scale = (await custom.getNamespacedCustomObjectScale(at)) as Machines;
      assert.deepEqual([scale.kind, scale.spec.replicas, scale.status?.replicas], ["Scale", 1, 2]);
      await custom.patchNamespacedCustomObjectScale(
        { ...at, body: { spec: { replicas: 3 } } },
        patchAs(PatchStrategy.MergePatch),
      );
      const pool = (await custom.getNamespacedCustomObject(at)) as Machines;
      assert.deepEqual([pool.spec.replicas, pool.metadata?.generation], [3, 2]);
      await refuses(
        custom.patchNamespacedCustomObject(
          { ...at, body: { spec: { replicas: "many" } } },
          patchAs(PatchStrategy.MergePatch),
        ),
        422,
        /spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"/,
      );
      await refuses(
        custom.patchNamespacedCustomObject({ ...at, body: {} }, patchAs(PatchStrategy.StrategicMergePatch)),
        415,
        /unknown format/,
      );
      const { items } = (await custom.listNamespacedCustomObject(machineDeployments)) as { items: Machines[] };
      assert.equal(items.length, 1);
      await custom.deleteNamespacedCustomObject(at);
      await refuses(custom.getNamespacedCustomObject(at), 404, /machinedeployments.cluster.k8s.io "pool" not found/);
    });

    test("evicts, issues tokens, and asks what it may do", async () => {
      const core = config.makeApiClient(CoreV1Api);
      const namespace = "evictions";
      await core.createNamespace({ body: { metadata: { name: namespace } } });
      await until("the default service account", async () => {
        const { items } = await core.listNamespacedServiceAccount({ namespace });
        return items.length > 0;
      });
      const labels = { app: "guarded" };
      const containers = [{ name: "main", image: "nginx" }];
      await core.createNamespacedPod({
        namespace,
        body: { metadata: { name: "guarded", labels }, spec: { containers } },
      });
      await config.makeApiClient(PolicyV1Api).createNamespacedPodDisruptionBudget({
        namespace,
        body: { metadata: { name: "guard" }, spec: { minAvailable: 1, selector: { matchLabels: labels } } },
      });
      const evict = (name: string, dryRun = false) =>
        core.createNamespacedPodEviction({
          namespace,
          name,
          body: { metadata: { name, namespace }, ...(dryRun && { deleteOptions: { dryRun: ["All"] } }) },
        });
      // Whoever is not ready may go, unless the budget says otherwise.
      await core.patchNamespacedPodStatus(
        {
          namespace,
          name: "guarded",
          body: { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } },
        },
        patchAs(PatchStrategy.StrategicMergePatch),
      );
      await until("the budget to know of the pod", async () => {
        const budget = await config
          .makeApiClient(PolicyV1Api)
          .readNamespacedPodDisruptionBudgetStatus({ namespace, name: "guard" });
        return budget.status?.currentHealthy === 1;
      });
      const refused = await refuses(
        evict("guarded"),
        429,
        /Cannot evict pod as it would violate the pod's disruption budget/,
      );
      assert.equal(refused.details?.causes?.[0]?.reason, "DisruptionBudget");
      await config.makeApiClient(PolicyV1Api).deleteNamespacedPodDisruptionBudget({ namespace, name: "guard" });
      await evict("guarded", true);
      assert.equal(
        (await core.readNamespacedPod({ namespace, name: "guarded" })).metadata?.deletionTimestamp,
        undefined,
      );
      await evict("guarded");

      const { status } = await core.createNamespacedServiceAccountToken({
        namespace,
        name: "default",
        body: { spec: { audiences: [], expirationSeconds: 3600 } },
      });
      assert.ok(status?.expirationTimestamp instanceof Date && status.expirationTimestamp.getTime() > Date.now());
      const robot = new KubeConfig();
      const cluster = config.getCurrentCluster();
      assert.ok(cluster);
      robot.loadFromClusterAndUser(cluster, { name: "robot", token: status.token ?? "" });
      const self = await robot.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} });
      assert.equal(self.status?.userInfo?.username, "system:serviceaccount:evictions:default");
      const canI = async (verb: string, as: KubeConfig) => {
        const review = await as.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview({
          body: { spec: { resourceAttributes: { verb, resource: "pods", namespace } } },
        });
        return review.status?.allowed;
      };
      assert.deepEqual([await canI("list", config), await canI("list", robot)], [true, false]);
      await refuses(
        robot.makeApiClient(CoreV1Api).listNamespacedPod({ namespace }),
        403,
        /User "system:serviceaccount:evictions:default" cannot list resource "pods"/,
      );
    });

    test("discovers kinds and handles objects of any", async () => {
      const { gitVersion } = await config.makeApiClient(VersionApi).getCode();
      assert.match(gitVersion, /^v1\.36\./);
      const { groups } = await config.makeApiClient(ApisApi).getAPIVersions();
      assert.ok(groups.some((group) => group.name === "apps" && group.preferredVersion?.version === "v1"));
      await installMachines(config);
      const objects = KubernetesObjectApi.makeApiClient(config);
      const manifests = loadAllYaml(`
apiVersion: v1
kind: Secret
metadata: { name: any-secret, namespace: default }
stringData: { key: value }
---
apiVersion: cluster.k8s.io/v1alpha1
kind: MachineDeployment
metadata: { name: any-pool, namespace: default }
spec:
  replicas: 0
  selector: { matchLabels: { pool: any } }
  template: { metadata: { labels: { pool: any } }, spec: { providerSpec: { value: {} }, versions: { kubelet: 1.33.0 } } }
`) as Named[];
      for (const manifest of manifests) {
        const made = await objects.create(manifest);
        assert.ok(made.metadata?.uid);
        await objects.patch(
          withLabels(manifest, { any: "yes" }),
          undefined,
          undefined,
          "any",
          undefined,
          PatchStrategy.MergePatch,
        );
        const read = await objects.read(manifest);
        assert.deepEqual(read.metadata?.labels, { any: "yes" });
        const { items } = await objects.list(
          manifest.apiVersion,
          manifest.kind,
          "default",
          undefined,
          undefined,
          undefined,
          undefined,
          "any=yes",
        );
        assert.equal(items.length, 1);
        const replaced = await objects.replace(withLabels(read, {}));
        assert.equal(replaced.metadata?.labels, undefined);
        await objects.delete(manifest);
      }
      await assert.rejects(objects.create({ ...manifests[0], kind: "Nothing" }), /Unrecognized API version and kind/);
    });

    let longAgo = "";
    test("a watch carries on from a resourceVersion", async () => {
      const core = config.makeApiClient(CoreV1Api);
      const namespace = "watched";
      await core.createNamespace({ body: { metadata: { name: namespace } } });
      const { metadata } = await core.listNamespacedSecret({ namespace });
      const create = (name: string) => core.createNamespacedSecret({ namespace, body: { metadata: { name } } });
      const events: string[] = [];
      const path = `/api/v1/namespaces/${namespace}/secrets`;
      let resourceVersion = metadata?.resourceVersion ?? "";
      longAgo = resourceVersion;
      for (const name of ["a", "b", "c", "d"]) {
        await create(name);
        const event = await firstEvent(config, path, resourceVersion);
        assert.ok(event.object.metadata?.resourceVersion);
        resourceVersion = event.object.metadata.resourceVersion;
        events.push(`${event.type} ${event.object.metadata.name}`);
      }
      assert.deepEqual(events, ["ADDED a", "ADDED b", "ADDED c", "ADDED d"]);
    });

    test("informers over thousands of objects end with what the server has, through its restart", async (t) => {
      await installMachines(config);
      await followThousands({ t, config, kubeconfig: body.kubeconfigPath, restart: () => body.restart() });
    });

    test("a watch learns that its resourceVersion is too old", async () => {
      // The real server has forgotten it with its restart, the embedded one with all that was written since.
      const { type, object } = await firstEvent(config, "/api/v1/namespaces/watched/secrets", longAgo);
      assert.equal(type, "ERROR");
      assert.partialDeepStrictEqual(object, { kind: "Status", code: 410, reason: "Expired" });
    });
  });
}

type Named = KubernetesObject & { apiVersion: string; kind: string; metadata: { name: string; namespace: string } };
type Event = { type: string; object: KubernetesObject };
type Machines = KubernetesObject & {
  metadata?: { generation?: number };
  spec: { replicas: number };
  status?: { replicas: number };
};

async function firstEvent(config: KubeConfig, path: string, resourceVersion: string): Promise<Event> {
  const { promise, resolve, reject } = Promise.withResolvers<Event>();
  const request = await new Watch(config).watch(
    path,
    { resourceVersion },
    (type: string, object: KubernetesObject) => resolve({ type, object }),
    (error: unknown) => reject(new Error("the watch ended without an event", { cause: error })),
  );
  const patience = setTimeout(() => reject(new Error(`${path} from ${resourceVersion}: no event`)), PATIENCE_MS);
  return promise.finally(() => {
    clearTimeout(patience);
    request.abort();
  });
}

function withLabels<T extends KubernetesObject>(object: T, labels: Record<string, string>): T {
  return { ...object, metadata: Object.assign(new V1ObjectMeta(), object.metadata, { labels }) };
}

async function installMachines(config: KubeConfig): Promise<void> {
  const api = config.makeApiClient(ApiextensionsV1Api);
  for (const definition of customResourceDefinitions) {
    const { name } = definition.metadata;
    // The client has names of its own for fields such as x-kubernetes-int-or-string; JSON is YAML.
    const body = loadYaml<V1CustomResourceDefinition>(JSON.stringify(definition));
    await api.createCustomResourceDefinition({ body }).catch((error: unknown) => {
      if (!(error instanceof ApiException && error.code === 409)) throw error;
    });
    await until(`${name} to be served`, async () => {
      const { status } = await api.readCustomResourceDefinition({ name });
      return status?.conditions?.some(({ type, status: value }) => type === "Established" && value === "True") === true;
    });
  }
  const custom = config.makeApiClient(CustomObjectsApi);
  await until("Machines to be listed", () =>
    custom.listNamespacedCustomObject(machineDeployments).then(
      () => true,
      () => false,
    ),
  );
}

function machineDeployment(pool: string): object {
  const labels = { pool };
  const spec = { providerSpec: { value: {} }, versions: { kubelet: "1.33.0" } };
  return {
    apiVersion: `${GROUP}/v1alpha1`,
    kind: "MachineDeployment",
    metadata: { name: pool },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

function deployment(app: string) {
  const labels = { app };
  const containers = [
    { name: "main", image: "nginx:1" },
    { name: "side", image: "busybox:1" },
  ];
  const template = { metadata: { labels }, spec: { containers } };
  return { metadata: { name: app }, spec: { replicas: 0, selector: { matchLabels: labels }, template } };
}

/** The call fails with this code and a Status with these words. */
async function refuses(call: Promise<unknown>, code: number, message: RegExp): Promise<V1Status> {
  const error = await call.then(
    () => assert.fail(`expected ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ApiException, String(error));
  assert.equal(error.code, code, String(error.body));
  const status = (typeof error.body === "string" ? JSON.parse(error.body) : error.body) as V1Status;
  assert.match(status.message ?? "", message);
  return status;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not after ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
