import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyPatch } from "rfc6902";
import type { Raw, Verdict } from "./admission.ts";
import { admitMachine } from "./admit-machine.ts";
import { context, machine, machineSpec } from "./example.fixture.ts";

const user = "someone";
const create = (object: Raw) => admitMachine({ operation: "CREATE", object, user }, context);
const update = (oldObject: Raw, object: Raw) => admitMachine({ operation: "UPDATE", object, oldObject, user }, context);

function patched(object: Raw, { patch }: Verdict): Raw {
  const copy = structuredClone(object);
  assert.deepEqual(
    applyPatch(copy, patch).filter((error) => error !== null),
    [],
  );
  return copy;
}

test("a new Machine gets its defaults, and what it does not know is kept", async () => {
  const object = machine({ ...machineSpec({ caPublicKey: null }), later: { a: 1 } });
  const verdict = await create(object);
  assert.equal(verdict.message, "");
  assert.deepEqual(patched(object, verdict), {
    ...machine(undefined, {
      annotations: {
        "v1.kubelet-featuregates.machine-controller.kubermatic.io/RotateKubeletServerCertificate": "true",
        "v1.kubelet-flags.machine-controller.kubermatic.io/ExternalCloudProvider": "true",
      },
    }),
    spec: {
      metadata: {
        name: "worker-1",
        labels: { "v1.machine-controller.kubermatic.io/operating-system": "ubuntu" },
      },
      ...machineSpec({
        cloudProviderSpec: { size: "large", zone: "zone-1" },
        operatingSystemSpec: { distUpgradeOnBoot: false },
      }),
      later: { a: 1 },
    },
  });
  assert.deepEqual(verdict.warnings, ["spec.later: unknown field, which is ignored"]);
});

test("what a user set is kept, except what the controller decides", async () => {
  const gate = "v1.kubelet-featuregates.machine-controller.kubermatic.io/RotateKubeletServerCertificate";
  const os = "v1.machine-controller.kubermatic.io/operating-system";
  const object = machine(
    { ...machineSpec(), metadata: { name: "other", labels: { [os]: "mine" } } },
    { annotations: { [gate]: "false", "kubermatic.io/bypass-no-spec-mutation-requirement": "true" } },
  );
  const { metadata, spec } = patched(object, await create(object)) as { metadata: Raw; spec: Raw };
  assert.deepEqual(spec["metadata"], { name: "other", labels: { [os]: "mine" } });
  assert.deepEqual(Object.values(metadata["annotations"] as Raw), ["true", "true"]);
});

test("with generateName there is no name to default to", async () => {
  const object = machine(machineSpec(), { name: undefined, generateName: "worker-" });
  const { spec } = patched(object, await create(object)) as { spec: Raw };
  assert.equal((spec["metadata"] as Raw)["name"], undefined);
});

describe("a new Machine is refused", () => {
  const value = "spec.providerSpec.value";
  const cases: [name: string, spec: unknown, message: string][] = [
    ["without a spec", undefined, "spec: providerSpec, versions must be set"],
    [
      "without an envelope",
      { ...machineSpec(), providerSpec: {} },
      `${value}.cloudProvider: must be set to the name of a cloud`,
    ],
    [
      "of an unknown cloud",
      machineSpec({ cloudProvider: "exampel" }),
      `${value}.cloudProvider: "exampel" is not known; did you mean "example"?`,
    ],
    [
      "with a misspelt setting",
      machineSpec({ cloudProviderSpec: { size: "l", zonee: "z" } }),
      `${value}.cloudProviderSpec.zonee: unknown field; did you mean "zone"?`,
    ],
    [
      "with a misspelt field",
      machineSpec({ sshPublicKey: [] }),
      `${value}.sshPublicKey: unknown field; did you mean "sshPublicKeys"?`,
    ],
    [
      "with an unknown system",
      machineSpec({ operatingSystem: "ubunto" }),
      `${value}.operatingSystem: "ubunto" is not supported; did you mean "ubuntu"?`,
    ],
    [
      "with a system that has no image there",
      machineSpec({ operatingSystem: "flatcar" }),
      `${value}.operatingSystem: "flatcar" has no default image on example; use one of ubuntu, or set cloudProviderSpec.image`,
    ],
    [
      "without a required setting",
      machineSpec({ cloudProviderSpec: {} }),
      `${value}.cloudProviderSpec.size: must be set: give a literal, a secretKeyRef or a configMapKeyRef`,
    ],
    [
      "against a rule of its cloud",
      machineSpec({ cloudProviderSpec: { size: "huge" } }),
      `${value}.cloudProviderSpec.size: "huge" is not sold in zone-1; use large`,
    ],
    [
      "with an empty kubelet version",
      { ...machineSpec(), versions: { kubelet: "" } },
      "spec.versions.kubelet: must not be empty",
    ],
    [
      "with an odd kubelet version",
      { ...machineSpec(), versions: { kubelet: "new" } },
      'spec.versions.kubelet: "new" is not a semantic version; use a form such as 1.36.2',
    ],
    [
      "with a kubelet version out of bounds",
      { ...machineSpec(), versions: { kubelet: "1.32.9" } },
      'spec.versions.kubelet: "1.32.9" does not satisfy ">=1.33.0", which this cluster\'s versions are held to',
    ],
    [
      "with a configSource",
      { ...machineSpec(), configSource: {} },
      "spec.configSource: must not be set, since kubelets no longer read it; remove it",
    ],
    [
      "with what no Node could have",
      { ...machineSpec(), metadata: { labels: { "a b": "c" } }, taints: [{ key: "k", effect: "NoShedule" }] },
      'spec.metadata.labels: "a b" is not a key that Kubernetes takes; ' +
        'use at most 63 letters, digits, "-", "_" and ".", behind a domain and "/" if need be; ' +
        'spec.taints[0].effect: "NoShedule" is not supported; did you mean "NoSchedule"?',
    ],
    [
      "with something that is no key",
      machineSpec({ sshPublicKeys: ["hunter2"] }),
      `${value}.sshPublicKeys[0]: is not a public key; give the content of a .pub file, such as "ssh-ed25519 AAAA… name"`,
    ],
    [
      "with every one of its problems named",
      { ...machineSpec({ operatingSystem: "beos" }), versions: { kubelet: "1.2" } },
      'spec.versions.kubelet: "1.2" does not satisfy ">=1.33.0", which this cluster\'s versions are held to; ' +
        `${value}.operatingSystem: "beos" is not supported; use one of ubuntu, amzn2, rhel, flatcar, rockylinux`,
    ],
  ];
  for (const [name, spec, message] of cases) {
    test(name, async () => {
      const verdict = await create({ ...machine(), spec });
      assert.equal(verdict.message, message);
      assert.deepEqual([verdict.allowed, verdict.patch], [false, []]);
    });
  }
});

test("a setting by reference is taken for right, and nothing is read", async () => {
  const secretKeyRef = { namespace: "kube-system", name: "cloud", key: "size" };
  const { allowed } = await create(machine(machineSpec({ cloudProviderSpec: { size: { secretKeyRef } } })));
  assert.ok(allowed);
});

test("a credential in the wrong place is not repeated", async () => {
  const { message } = await create(machine(machineSpec({ cloudProviderSpec: { size: "l", token: ["s3cr3t"] } })));
  assert.match(message, /token: must be a text or/);
  assert.doesNotMatch(message, /s3cr3t/);
});

describe("an update", () => {
  const stored = machine({ ...machineSpec(), metadata: { name: "worker-1" } });
  const bypass = { annotations: { "kubermatic.io/bypass-no-spec-mutation-requirement": "true" } };
  const newer = { ...machineSpec(), metadata: { name: "worker-1" }, versions: { kubelet: "1.36.3" } };
  const refusal = (path: string) =>
    `${path}: a Machine's spec cannot be changed; change its MachineDeployment, which replaces it, or create another Machine`;

  test("of the spec is refused with the path that changed", async () => {
    assert.equal((await update(stored, machine(newer))).message, refusal("spec.versions.kubelet"));
    const moved = machine({
      ...machineSpec({ cloudProviderSpec: { size: "s3cr3t" } }),
      metadata: { name: "worker-1" },
    });
    const { message } = await update(stored, moved);
    assert.equal(message, refusal("spec.providerSpec.value.cloudProviderSpec.size"));
  });

  test("may carry the annotation that lets it pass, once", async () => {
    const object = machine(newer, bypass);
    const verdict = await update(stored, object);
    assert.ok(verdict.allowed);
    assert.deepEqual((patched(object, verdict)["metadata"] as Raw)["annotations"], {});
  });

  test("may carry that annotation only from those who are allowed to", async () => {
    const request = { operation: "UPDATE", object: machine(newer, bypass), oldObject: stored, user };
    const verdict = await admitMachine(request, { ...context, mayBypassImmutability: (name) => name !== user });
    assert.match(verdict.message, /someone may not use kubermatic\.io\/bypass/);
  });

  const free: [name: string, before: Raw, after: Raw][] = [
    [
      "by meaning none: key order, nulls, empty lists",
      stored,
      machine({
        taints: [],
        versions: { kubelet: "1.36.2", controlPlane: null },
        metadata: { name: "worker-1", creationTimestamp: null },
        ...machineSpec(),
      }),
    ],
    ["of a providerID that was not set", stored, machine({ ...(stored["spec"] as Raw), providerID: "example://1" })],
    ["of the name to the Machine's own", machine({ ...machineSpec(), metadata: { name: "x" } }), stored],
    [
      "of labels, annotations and taints for the Node",
      stored,
      machine({
        ...machineSpec(),
        metadata: { name: "worker-1", labels: { a: "b" }, annotations: { c: "d" } },
        taints: [{ key: "k", effect: "NoSchedule" }],
      }),
    ],
    ["of the status", stored, { ...stored, status: { phase: "Running" } }],
    ["of finalizers of a Machine with a broken spec", machine({ odd: 1 }), machine({ odd: 1 }, { finalizers: ["a"] })],
    ["of anything while it is being deleted", stored, machine(newer, { deletionTimestamp: "2026-01-01T00:00:00Z" })],
  ];
  for (const [name, before, after] of free) {
    test(`${name} is allowed`, async () => assert.equal((await update(before, after)).message, ""));
  }

  test("to what no Node could have is refused, and keeps nobody who finds it there from changing the rest", async () => {
    const tainted = (metadata: Raw, effect: string) =>
      machine({ ...machineSpec(), metadata: { name: "worker-1", ...metadata }, taints: [{ key: "k", effect }] });
    const { message } = await update(tainted({}, "NoSchedule"), tainted({}, "NoWay"));
    assert.match(message, /^spec\.taints\[0\]\.effect: "NoWay" is not supported/);
    assert.equal((await update(tainted({}, "NoWay"), tainted({ labels: { a: "b" } }, "NoWay"))).message, "");
  });

  test("of a providerID that was set is refused", async () => {
    const spec = stored["spec"] as Raw;
    const { message } = await update(machine({ ...spec, providerID: "a" }), machine({ ...spec, providerID: "b" }));
    assert.equal(
      message,
      "spec.providerID: cannot be changed: it names the instance; delete the Machine to have another one",
    );
  });

  test("fills in the name that generateName had not made yet", async () => {
    const object = machine();
    const { spec } = patched(object, await update(machine(), object)) as { spec: Raw };
    assert.deepEqual(spec["metadata"], { name: "worker-1" });
  });
});
