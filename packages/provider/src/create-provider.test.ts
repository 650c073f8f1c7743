import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine } from "@machine-controller/api";
import { booleanField, integerField, labelsField, stringField, stringsField } from "./config-fields.ts";
import { createConfigVarResolver } from "./config-var.ts";
import { createProvider } from "./create-provider.ts";
import { type CreateRequest, defineProvider, type InstanceRequest } from "./definition.ts";
import { isProviderError, TerminalError } from "./errors.ts";
import type { Instance } from "./instance.ts";

const { signal } = new AbortController();
const call = { signal };
const instance: Instance = { id: "1", name: "a", machineUid: "uid-1", addresses: [], status: "running" };

const credential = { token: stringField({ description: "Token.", env: "CLOUD_TOKEN", secret: true, required: true }) };
const config = {
  size: stringField({ description: "Size.", required: true }),
  zone: stringField({ description: "Zone.", default: "zone-1" }),
  image: stringField({ description: "Image." }),
  disk: integerField({ description: "GiB.", default: 20 }),
  networks: stringsField({ description: "Networks." }),
  labels: labelsField({ description: "Labels." }),
  publicAddress: booleanField({ description: "Public address.", default: true }),
};
type Client = { token: string };

/** A cloud that does nothing but remember what it was asked. */
function world(environment: Record<string, string> = {}) {
  const seen = {
    clients: [] as Client[],
    creates: [] as unknown[],
    finds: [] as unknown[],
    metrics: [] as unknown[],
    reads: 0,
  };
  const definition = defineProvider({
    name: "example",
    title: "Example Cloud",
    documentation: "https://example.test",
    endpoint: { url: "https://cloud.test", env: "CLOUD_ENDPOINT" },
    credential,
    config,
    sizeField: "size",
    metricsFields: ["zone"],
    imageField: "image",
    operatingSystems: { ubuntu: "ubuntu-24.04" },
    idempotency: { class: "token", settleMs: 0, consistencyMs: 0 },
    userDataLimitBytes: 10,
    connect({ credential, endpoint }): Client {
      const client = { token: credential.token, endpoint };
      seen.clients.push(client);
      return client;
    },
    addDefaults: (spec) => ({ ...spec, zone: spec["zone"] ?? "zone-2" }),
    validateConfig({ size, publicAddress }) {
      if (size === "tiny" && publicAddress) throw new TerminalError("InvalidConfiguration", "too tiny");
    },
    list: async () => [instance],
    async get(request: InstanceRequest<Client>) {
      seen.finds.push(request);
      return instance;
    },
    async create(request: CreateRequest<Client, typeof config>) {
      seen.creates.push(request);
      return instance;
    },
    async cleanup(request) {
      seen.finds.push(request);
      return true;
    },
    async setMetricsForMachines(clients) {
      seen.metrics.push(...clients);
    },
  });
  const secrets: Record<string, Record<string, string>> = { "default/cloud": { token: "from-secret" } };
  const provider = createProvider(definition, {
    fetch: () => assert.fail("no call"),
    clock: { now: () => 0, sleep: async () => undefined },
    random: { bytes: (length) => new Uint8Array(length) },
    environment,
    resolver: createConfigVarResolver({
      readSecret: async ({ namespace, name }) => {
        seen.reads++;
        return secrets[`${namespace}/${name}`];
      },
      readConfigMap: async () => undefined,
      environment,
    }),
  });
  return { provider, seen };
}

function machine(
  cloudProviderSpec: unknown,
  more: { value?: object; annotations?: Record<string, string>; uid?: string } = {},
) {
  const value = { cloudProvider: "example", operatingSystem: "ubuntu", cloudProviderSpec, ...more.value };
  return {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: { name: "a", namespace: "default", uid: more.uid ?? "uid-1", annotations: more.annotations ?? {} },
    spec: { providerSpec: { value }, versions: { kubelet: "1.36.2" } },
  } as Machine;
}
const rejectsWith = (promise: Promise<unknown>, message: string | RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(isProviderError(error, "Terminal"), String(error));
    assert.equal(error.reason, "InvalidConfiguration");
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
const path = "spec.providerSpec.value.cloudProviderSpec";

test("create sees plain values: defaults, references resolved, keys in any case", async () => {
  const { provider, seen } = world();
  const spec = {
    token: { secretKeyRef: { namespace: "default", name: "cloud", key: "token" } },
    SIZE: 4,
    networks: ["a", { value: "b" }],
    publicAddress: null,
    labels: { value: "kept" },
  };
  assert.equal(await provider.create(machine(spec), { userData: "hi", token: "uid-1" }, call), instance);
  const { image, name, uid, client, recorded, ...request } = seen.creates[0] as CreateRequest<Client, typeof config>;
  assert.deepEqual(
    { ...request.config },
    {
      size: "4",
      zone: "zone-2",
      image: "",
      disk: 20,
      networks: ["a", "b"],
      labels: { value: "kept" },
      publicAddress: true,
    },
  );
  assert.deepEqual(
    { image, name, uid, recorded },
    { image: "ubuntu-24.04", name: "a", uid: "uid-1", recorded: undefined },
  );
  assert.equal(client.token, "from-secret");
});

test("one client serves a credential and endpoint, whatever else differs", async () => {
  const { provider, seen } = world({ CLOUD_TOKEN: "from-environment", CLOUD_ENDPOINT: "https://other.test" });
  const first = machine({ size: "small" });
  await Promise.all([provider.list(first, call), provider.get(machine({ size: "large" }), call)]);
  await provider.list(machine({ token: "other" }), call);
  assert.deepEqual(seen.clients, [
    { token: "from-environment", endpoint: "https://other.test" },
    { token: "other", endpoint: "https://other.test" },
  ]);
  const account = await provider.account(first, call);
  assert.match(account, /^credential:[0-9a-f]{16}$/);
  assert.equal(account, await provider.account(machine({ size: "large" }), call));
  assert.notEqual(account, await provider.account(machine({ token: "other" }), call));
});

test("deletion works with a spec that is broken but for its credential", async () => {
  const { provider, seen } = world();
  const record = {
    id: "42",
    provider: "example",
    account: "x",
    attempt: 1,
    at: "2026-01-01T00:00:00Z",
    resources: { disk: "7" },
  };
  const broken = machine(
    { Token: { SecretKeyRef: { namespace: "default", name: "cloud", key: "token" } }, sizee: 1, disk: "big" },
    { value: { operatingSystem: "beos" }, annotations: { "machine-controller/instance": JSON.stringify(record) } },
  );
  assert.equal(await provider.cleanup(broken, call), true);
  await provider.get(broken, call);
  for (const request of seen.finds as InstanceRequest<Client>[]) {
    assert.deepEqual(request.recorded, { id: "42", resources: { disk: "7" } });
    assert.equal(request.client.token, "from-secret");
  }
  await assert.rejects(provider.create(broken, { userData: "", token: "t" }, call));
});

test("a Machine without UID is refused: unmarked instances must not look like its own", async () => {
  const { provider, seen } = world({ CLOUD_TOKEN: "t" });
  await assert.rejects(provider.cleanup(machine({ size: "s" }, { uid: "" }), call), /has no UID/);
  assert.equal(seen.finds.length, 0);
});

test("user data over the cloud's limit is refused before anything is asked", async () => {
  const { provider, seen } = world();
  await rejectsWith(
    provider.create(machine({ size: "s", token: "t" }), { userData: "ééééé!", token: "t" }, call),
    "user data has 11 bytes and Example Cloud takes 10; make it smaller",
  );
  assert.equal(seen.creates.length, 0);
  await provider.create(machine({ size: "s", token: "t" }), { userData: "ééééé", token: "t" }, call);
});

test("metrics labels come from literals and resolve nothing", () => {
  const { provider, seen } = world();
  const secretKeyRef = { namespace: "default", name: "cloud", key: "token" };
  assert.deepEqual(provider.machineMetricsLabels(machine({ Size: "small", zone: { value: "z" } })), {
    size: "small",
    zone: "z",
  });
  assert.deepEqual(provider.machineMetricsLabels(machine({ size: { secretKeyRef } })), { size: "", zone: "" });
  assert.deepEqual(provider.machineMetricsLabels(machine(undefined)), { size: "", zone: "" });
  assert.equal(seen.reads, 0);
});

test("metrics are refreshed once for each client", async () => {
  const { provider, seen } = world();
  const machines = ["a", "b", "a"].map((token) => machine({ size: "s", token }));
  await provider.setMetricsForMachines(machines, call);
  assert.deepEqual(
    seen.metrics.map((client) => (client as Client).token),
    ["a", "b"],
  );
});

test("errors name the path, the value and the remedy", async () => {
  const { provider } = world();
  const validate = (spec: object) => provider.validate(machine({ token: "t", ...spec }).spec, call);
  await rejectsWith(validate({ sise: "s" }), `${path}.sise: unknown field; did you mean "size"?`);
  await rejectsWith(validate({}), `${path}.size: must be set: give a literal, a secretKeyRef or a configMapKeyRef`);
  await rejectsWith(
    validate({ size: ["s"] }),
    `${path}.size: must be a text or an object with value, secretKeyRef or configMapKeyRef, is ["s"]`,
  );
  await rejectsWith(
    validate({ size: "s", publicAddress: "true" }),
    /publicAddress: must be true, false or .*, is "true"$/,
  );
  await rejectsWith(validate({ size: "s", networks: [{}, ["b"]] }), /networks: must be a list, each entry a text or /);
  await rejectsWith(validate({ size: "s", disk: "20" }), `${path}.disk: must be of type integer, is "20"`);
  await rejectsWith(validate({ size: "tiny" }), "too tiny");
  const { spec } = machine({ token: "t", size: "s" });
  await rejectsWith(
    provider.validate({ ...spec, taints: [{ key: "k", effect: "NoWay" }] }, call),
    'spec.taints[0].effect: "NoWay" is not supported; use one of NoSchedule, PreferNoSchedule, NoExecute',
  );
});

test("an operating system without default image needs one to be named", async () => {
  const { provider } = world();
  const validate = (spec: object) =>
    provider.validate(machine({ token: "t", ...spec }, { value: { operatingSystem: "flatcar" } }).spec, call);
  await assert.rejects(validate({ size: "s" }), {
    name: "OSNotSupportedError",
    code: "Terminal",
    message:
      'spec.providerSpec.value.operatingSystem: "flatcar" has no default image on example; ' +
      "use one of ubuntu, or set cloudProviderSpec.image",
  });
  await validate({ size: "s", image: "own" });
});

test("a missing credential names its environment variable, a secret in a wrong form is not shown", async () => {
  const { provider } = world();
  await rejectsWith(
    provider.validate(machine({ size: "s" }).spec, call),
    `${path}.token: must be set: give a literal, a secretKeyRef or a configMapKeyRef, or set the environment variable CLOUD_TOKEN of the controller`,
  );
  await rejectsWith(
    provider.validate(machine({ size: "s", token: { secretKeyRef: { name: "cloud" } } }).spec, call),
    /token: must be set: its reference needs namespace, name and key/,
  );
  for (const token of [["s3cret"], { value: ["s3cret"] }, { value: "s3cret", secretKeyRef: "s3cret" }]) {
    await rejectsWith(
      provider.validate(machine({ size: "s", token }).spec, call),
      `${path}.token: must be a text or an object with value, secretKeyRef or configMapKeyRef`,
    );
  }
});

test("defaulting is pure, fills in the operating system's settings, and done twice changes nothing", () => {
  const { provider, seen } = world();
  const { spec } = machine({
    size: "s",
    Token: { secretKeyRef: { namespace: "default", name: "cloud", key: "token" } },
  });
  const before = structuredClone(spec);
  const once = provider.addDefaults(spec);
  assert.deepEqual(spec, before);
  assert.deepEqual(provider.addDefaults(once), once);
  assert.deepEqual(once.providerSpec.value?.["operatingSystemSpec"], { distUpgradeOnBoot: false });
  assert.deepEqual(once.providerSpec.value?.["cloudProviderSpec"], {
    size: "s",
    token: { secretKeyRef: { namespace: "default", name: "cloud", key: "token" } },
    zone: "zone-2",
  });
  assert.equal(seen.reads, 0);
});

test("what a definition leaves out does nothing", async () => {
  const { provider } = world({ CLOUD_TOKEN: "t" });
  assert.deepEqual(await provider.getCloudConfig(machine({}).spec, call), { config: "", name: "" });
  await provider.migrateUID(machine({ size: "s" }), "uid-2", call);
});

test("a provider that says nothing of its sizes knows of none", async () => {
  const { provider } = world({ CLOUD_TOKEN: "t" });
  assert.equal(await provider.capacityOf(machine({ size: "small" }).spec, call), undefined);
});
