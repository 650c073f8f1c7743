import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { customResourceDefinitions, type Machine } from "@machine-controller/api";
import { createControlPlane } from "@machine-controller/control-plane";
import { machineDeployments, machines } from "@machine-controller/controllers";
import {
  coreResources,
  createKubeClient,
  type CustomResourceDefinition,
  inProcess,
  type KubeClient,
  type Node,
  withBearerToken,
} from "@machine-controller/kube-client";
import { createManualClock } from "@machine-controller/kube-runtime";
import { InstanceNotFoundError, type Provider } from "@machine-controller/provider";
import { systemRandom } from "../environment.ts";
import { LEGACY_DEFINITION, type LegacyMachine, legacyMachines } from "./legacy-machine.ts";
import { migrateLegacyMachines } from "./migrate-legacy-machines.ts";
import { migrateProviderConfig } from "./migrate-provider-config.ts";
import { createReport } from "./report.ts";

const { signal } = new AbortController();
const REF = { namespace: "kube-system", name: "old-1" };
const envelope = { cloudProvider: "fake", cloudProviderSpec: {}, operatingSystem: "ubuntu" };

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: LEGACY_DEFINITION },
  spec: {
    group: "machine.k8s.io",
    scope: "Cluster",
    names: { kind: "Machine", plural: "machines", singular: "machine", listKind: "MachineList" },
    versions: [
      {
        name: "v1alpha1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
} as CustomResourceDefinition;

async function world(t: TestContext) {
  const clock = createManualClock(Date.UTC(2030, 0, 1));
  const controlPlane = await createControlPlane({ database: ":memory:", clock, random: systemRandom });
  t.after(() => controlPlane.close());
  const writes: string[] = [];
  /** Writes and cloud calls that are left until the process dies. */
  let stepsLeft = Infinity;
  const step = (): void => {
    if (stepsLeft <= 0) throw new Error("the process died");
    stepsLeft -= 1;
  };
  const connect = (baseUrl: string): KubeClient =>
    createKubeClient({
      baseUrl,
      clock,
      transport: withBearerToken(
        inProcess(async (request) => {
          if (request.method !== "GET") {
            step();
            writes.push(`${request.method} ${new URL(request.url).pathname.split("/").slice(-2).join("/")}`);
          }
          return controlPlane.handle(request);
        }),
        controlPlane.adminToken,
      ),
    });
  const client = connect("https://cluster.test");
  for (const object of [...customResourceDefinitions, definition]) {
    await client.create(coreResources.customResourceDefinitions, object, { signal });
  }
  /** UIDs that instances are marked with. */
  const marks = new Set<string>();
  const provider = {
    name: "fake",
    idempotency: { class: "tag-scan", settleMs: 0, consistencyMs: 0 },
    async get({ metadata }: Machine) {
      step();
      if (!marks.has(metadata.uid ?? "")) throw new InstanceNotFoundError(metadata.name ?? "");
      return {};
    },
    async migrateUID({ metadata }: Machine, newUid: string) {
      step();
      if (marks.delete(metadata.uid ?? "")) marks.add(newUid);
    },
  } as unknown as Provider;

  async function run(dryRun = false) {
    const report = createReport(() => undefined);
    const context = { client, providers: new Map([["fake", provider]]), clock, dryRun, report, signal };
    await migrateLegacyMachines(context);
    await migrateProviderConfig(context);
    return report.findings;
  }
  async function addLegacy(name = "old-1"): Promise<LegacyMachine> {
    const legacy = await client.create(
      legacyMachines,
      {
        apiVersion: "machine.k8s.io/v1alpha1",
        kind: "Machine",
        metadata: { name, labels: { a: "b" }, finalizers: ["machine-delete-finalizer"] },
        spec: {
          metadata: { name: `${name}-node` },
          providerConfig: envelope,
          roles: ["Node"],
          versions: { kubelet: "1.9.6", containerRuntime: { name: "docker" } },
        } as LegacyMachine["spec"],
        status: { nodeRef: { name: `${name}-node` } },
      },
      { signal },
    );
    const owner = { apiVersion: "machine.k8s.io/v1alpha1", kind: "Machine", name, uid: legacy.metadata.uid ?? "" };
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: `${name}-node`, ownerReferences: [owner] } };
    await client.create(coreResources.nodes, node, { signal });
    marks.add(legacy.metadata.uid ?? "");
    return legacy;
  }
  async function admitAnything(): Promise<() => Promise<void>> {
    const { schema } = (definition.spec as { versions: [{ schema: unknown }] }).versions[0];
    const put = async (schemaOf: (given: object) => object): Promise<void> => {
      for (const { metadata, spec } of customResourceDefinitions as unknown as CustomResourceDefinition[]) {
        const body = { spec: { versions: (spec["versions"] as object[]).map(schemaOf) } };
        const ref = { name: metadata.name ?? "" };
        await client.patch(coreResources.customResourceDefinitions, ref, { type: "merge", body }, { signal });
      }
    };
    await put((version) => ({ ...version, schema }));
    return () => put((version) => version);
  }
  return {
    admitAnything,
    client,
    marks,
    run,
    addLegacy,
    writes,
    dieAfter: (steps: number) => void (stepsLeft = steps),
  };
}

async function assertMigrated({ client, marks }: Awaited<ReturnType<typeof world>>): Promise<Machine> {
  const machine = await client.get(machines, REF, { signal });
  const { metadata, spec, status } = machine;
  assert.deepEqual(metadata.labels, { a: "b" });
  assert.deepEqual(metadata.annotations ?? {}, {});
  assert.deepEqual(metadata.finalizers, ["machine-delete-finalizer", "machine-node-delete-finalizer"]);
  assert.deepEqual(spec, {
    metadata: { name: "old-1-node" },
    providerSpec: { value: envelope },
    versions: { kubelet: "1.9.6" },
  });
  assert.equal(status?.nodeRef?.name, "old-1-node");
  assert.deepEqual([...marks], [metadata.uid]);
  const node: Node = await client.get(coreResources.nodes, { name: "old-1-node" }, { signal });
  assert.equal(node.metadata.labels?.["machine-controller/owned-by"], metadata.uid);
  assert.equal(node.metadata.ownerReferences, undefined);
  // The control plane's own controllers do the rest.
  const left = await client
    .get(coreResources.customResourceDefinitions, { name: LEGACY_DEFINITION }, { signal })
    .catch(() => undefined);
  assert.ok(left === undefined || left.metadata.deletionTimestamp !== undefined);
  return machine;
}

test("a legacy Machine moves with its instance and Node, once", async (t) => {
  const it = await world(t);
  await it.addLegacy();
  const findings = await it.run();
  assert.deepEqual(
    findings.map(({ outcome }) => outcome),
    ["done", "done"],
  );
  const { metadata } = await assertMigrated(it);
  it.writes.length = 0;
  assert.deepEqual(await it.run(), []);
  assert.deepEqual(it.writes, []);
  assert.equal((await it.client.get(machines, REF, { signal })).metadata.uid, metadata.uid);
});

test("a dry run says what would be done, and changes nothing", async (t) => {
  const it = await world(t);
  await it.addLegacy();
  it.writes.length = 0;
  const [finding] = await it.run(true);
  assert.deepEqual(finding, {
    object: "Machine old-1 of machine.k8s.io",
    outcome: "done",
    message: "becomes Machine kube-system/old-1",
  });
  assert.deepEqual(it.writes, []);
});

test("a process that dies at any write or cloud call goes on where it stopped, and no controller acts on what is half-way", async (t) => {
  let deaths = 0;
  for (let at = 0; at < 20; at += 1) {
    const it = await world(t);
    await it.addLegacy();
    it.dieAfter(at);
    const findings = await it.run().catch(() => "died" as const);
    const hasDied = findings === "died" || findings.some(({ outcome }) => outcome === "problem");
    if (!hasDied) break;
    deaths += 1;
    const halfway = await it.client.get(machines, REF, { signal }).catch(() => undefined);
    const isFree = halfway?.metadata.labels?.["machine.k8s.io/controller"] === undefined;
    if (halfway !== undefined && isFree) assert.ok(it.marks.has(halfway.metadata.uid ?? ""), `died at step ${at}`);
    it.dieAfter(Infinity);
    await it.run();
    await assertMigrated(it);
  }
  assert.ok(deaths >= 8, `died at ${deaths} steps`);
});

test("what is not clear is left as it is, and the rest goes on", async (t) => {
  const it = await world(t);
  await it.addLegacy("old-1");
  await it.addLegacy("old-2");
  const other = {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: REF,
    spec: { providerSpec: { value: { ...envelope, operatingSystem: "flatcar" } }, versions: { kubelet: "1.9.6" } },
  };
  await it.client.create(machines, other as unknown as Machine, { signal });
  const findings = await it.run();
  assert.deepEqual(
    findings.map(({ object, outcome }) => `${object} ${outcome}`),
    ["Machine old-1 of machine.k8s.io problem", "Machine old-2 of machine.k8s.io done"],
  );
  assert.match(findings[0]?.message ?? "", /exists with another spec; delete one of the two by hand/);
  assert.ok(await it.client.get(legacyMachines, { name: "old-1" }, { signal }));
  assert.ok(await it.client.get(coreResources.customResourceDefinitions, { name: LEGACY_DEFINITION }, { signal }));
});

test("providerConfig becomes providerSpec, and nothing else of the object changes", async (t) => {
  const it = await world(t);
  const spec = { providerConfig: { value: envelope }, versions: { kubelet: "1.9.6" }, providerID: "x:1" };
  const template = { metadata: { labels: { a: "b" } }, spec };
  const about = { apiVersion: "cluster.k8s.io/v1alpha1" };
  const deployment = {
    ...about,
    kind: "MachineDeployment",
    metadata: { name: "d", namespace: "kube-system" },
    spec: { selector: { matchLabels: { a: "b" } }, template, paused: true },
  };
  const one = { ...about, kind: "Machine", metadata: { name: "m", namespace: "kube-system" }, spec };
  const both = { ...one, metadata: { name: "both", namespace: "kube-system" }, spec: { ...spec, providerSpec: {} } };
  // As an earlier release's definitions let them in.
  const restore = await it.admitAnything();
  await it.client.create(machineDeployments, deployment as never, { signal });
  for (const object of [one, both]) await it.client.create(machines, object as never, { signal });
  await restore();
  const findings = await it.run();
  assert.deepEqual(
    findings.map(({ object, outcome }) => `${object} ${outcome}`),
    [
      "CustomResourceDefinition machines.machine.k8s.io done",
      "MachineDeployment kube-system/d done",
      "Machine kube-system/both problem",
      "Machine kube-system/m done",
    ],
  );
  const moved = { providerSpec: { value: envelope }, versions: { kubelet: "1.9.6" }, providerID: "x:1" };
  assert.deepEqual((await it.client.get(machines, { namespace: "kube-system", name: "m" }, { signal })).spec, moved);
  const { spec: after } = await it.client.get(machineDeployments, { namespace: "kube-system", name: "d" }, { signal });
  assert.deepEqual(after.template, { ...template, spec: moved });
  assert.equal((after as { paused?: boolean }).paused, true);
});
