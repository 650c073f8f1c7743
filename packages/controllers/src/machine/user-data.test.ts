// What an operating-system-manager made for a MachineDeployment, or our own.
import type { Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import type { KubeClient, Secret } from "@machine-controller/kube-client";
import { createStore, type Informer } from "@machine-controller/kube-runtime";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineManifest } from "../testing/world.ts";
import type { Snapshot } from "./snapshot.ts";
import { createUserDataSource } from "./user-data.ts";

const { signal } = new AbortController();
const NAME = "pool-kube-system-bootstrap-config";
const MANAGED = ["kubermatic.io/cleanup-operating-system-configs"];
const OWN = /our own/;

type Given = {
  secrets?: Record<string, { revision?: string; text?: string }>;
  finalizers?: string[];
  revision?: string;
  owned?: boolean;
};

/** `prepare` for a Machine `m` of MachineDeployment `pool`; making our own ends in an error that says so. */
function prepare({ secrets = {}, finalizers = [], revision = "3", owned = true }: Given): Promise<object> {
  const store = createStore<Secret>();
  for (const [name, { revision: madeFor, text }] of Object.entries(secrets)) {
    store.set({
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name,
        namespace: "cloud-init-settings",
        annotations: madeFor ? { "k8c.io/machine-deployment-revision": madeFor } : {},
      },
      data: text === undefined ? {} : { "cloud-config": Buffer.from(text).toString("base64") },
    });
  }
  const source = createUserDataSource({
    client: { get: () => Promise.reject(new Error("our own")) } as unknown as KubeClient,
    clock: { now: () => 0 },
    random: { bytes: (length) => new Uint8Array(length) },
    bootstrapSecrets: { store } as unknown as Informer<Secret>,
    options: { clusterDns: [], kubeletFeatureGates: {}, apiServer: undefined },
  });
  const machineSet = {
    metadata: { annotations: { "machinedeployment.clusters.k8s.io/revision": revision } },
  } as unknown as MachineSet;
  const machineDeployment = {
    metadata: { name: "pool", namespace: "kube-system", finalizers },
  } as unknown as MachineDeployment;
  const snapshot = {
    machine: machineManifest() as Machine,
    ...(owned && { machineSet, machineDeployment }),
  } as unknown as Snapshot;
  return source.prepare(snapshot, { signal });
}

const FOUND: [string, Given, object][] = [
  ["of its revision", { secrets: { [NAME]: { revision: "3", text: "host: <MACHINE_NAME>" } } }, { text: "host: m" }],
  ["that names no revision", { secrets: { [NAME]: { text: "x" } } }, { text: "x" }],
  [
    "with its revision in the name, though another is newer",
    { secrets: { [NAME]: { revision: "4", text: "new" }, [`${NAME}-3`]: { revision: "3", text: "old" } } },
    { text: "old" },
  ],
  [
    "not yet of its revision",
    { secrets: { [NAME]: { revision: "2", text: "x" } } },
    {
      missing: `Secret cloud-init-settings/${NAME} is for revision 2 of the MachineDeployment and the MachineSet is revision 3`,
    },
  ],
  [
    "without its key",
    { secrets: { [NAME]: { revision: "3" } } },
    { missing: `Secret cloud-init-settings/${NAME} has no key "cloud-config"` },
  ],
  [
    "that is to come",
    { finalizers: MANAGED },
    { missing: `Secret cloud-init-settings/${NAME} does not exist yet; the operating-system-manager makes it` },
  ],
];
for (const [name, given, expected] of FOUND) {
  test(`a bootstrap Secret ${name} is ${"text" in expected ? "taken" : "waited for, by its name"}`, async () => {
    assert.deepEqual(await prepare(given), expected);
  });
}

for (const [name, given] of [
  ["that nobody else makes it for", {}],
  ["that stands alone", { owned: false, secrets: { [NAME]: { text: "x" } } }],
] as [string, Given][]) {
  test(`a Machine ${name} gets our own user data`, () => assert.rejects(prepare(given), OWN));
}
