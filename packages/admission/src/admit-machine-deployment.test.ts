import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyPatch } from "rfc6902";
import type { Raw, Verdict } from "./admission.ts";
import { admitMachineDeployment } from "./admit-machine-deployment.ts";
import { admitMachineSet } from "./admit-machine-set.ts";
import { context, machineDeployment, machineSpec } from "./example.fixture.ts";

const user = "someone";
const create = (object: Raw) => admitMachineDeployment({ operation: "CREATE", object, user }, context);
const update = (oldObject: Raw, object: Raw) =>
  admitMachineDeployment({ operation: "UPDATE", object, oldObject, user }, context);

function patched(object: Raw, { patch }: Verdict): Raw {
  const copy = structuredClone(object);
  applyPatch(copy, patch);
  return copy;
}
const template = (spec: Raw) => ({ metadata: { labels: { name: "workers" } }, spec });
const broken = template(machineSpec({ cloudProvider: "gone" }));

test("a new MachineDeployment gets its defaults, in the template too", async () => {
  const object = machineDeployment({ strategy: null });
  const verdict = await create(object);
  assert.equal(verdict.message, "");
  const { spec } = patched(object, verdict) as { spec: Raw };
  const { selector: _selector, template: stored, ...rest } = spec;
  assert.deepEqual(rest, {
    replicas: 1,
    minReadySeconds: 0,
    revisionHistoryLimit: 1,
    progressDeadlineSeconds: 600,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  });
  assert.deepEqual(
    stored,
    template(
      machineSpec({
        cloudProviderSpec: { size: "large", zone: "zone-1" },
        operatingSystemSpec: { distUpgradeOnBoot: false },
      }),
    ),
  );
  assert.deepEqual((await update(patched(object, verdict), patched(object, verdict))).patch, []);
});

describe("a new MachineDeployment is refused", () => {
  const rolling = (rollingUpdate: Raw) => ({ strategy: { rollingUpdate } });
  const at = "spec.strategy.rollingUpdate";
  const cases: [name: string, spec: Raw, message: string][] = [
    ["with negative replicas", { replicas: -1 }, "spec.replicas: must be at least 0, is -1"],
    [
      "with an empty selector",
      { selector: {} },
      "spec.selector: must not be empty; add the labels of spec.template.metadata as matchLabels",
    ],
    [
      "with a selector that selects something else",
      { selector: { matchLabels: { a: "b" } } },
      "spec.selector does not match spec.template.metadata.labels; add its labels to the template",
    ],
    [
      "with an odd operator",
      { selector: { matchExpressions: [{ key: "name", operator: "Like" }] } },
      'spec.selector.matchExpressions: operator "Like" is not one of In, NotIn, Exists, DoesNotExist',
    ],
    [
      "with an unknown strategy",
      { strategy: { type: "OnDelet" } },
      'spec.strategy.type: "OnDelet" is not supported; did you mean "OnDelete"?',
    ],
    [
      "with an odd maxSurge",
      rolling({ maxSurge: "many" }),
      `${at}.maxSurge: "many" must be a number (5) or a percentage ("5%")`,
    ],
    [
      "with a negative maxUnavailable",
      rolling({ maxUnavailable: -1 }),
      `${at}.maxUnavailable: must not be negative, is -1`,
    ],
    [
      "with more than all unavailable",
      rolling({ maxUnavailable: "101%" }),
      `${at}.maxUnavailable: "101%" must not be more than 100%`,
    ],
    [
      "with no way to progress",
      rolling({ maxSurge: "0%", maxUnavailable: 0 }),
      `${at}.maxUnavailable: may not be 0 when maxSurge is 0: no Machine could ever be replaced; raise one of them`,
    ],
    [
      "with labels that no Machine could have",
      {
        selector: { matchLabels: { name: "a b" } },
        template: { metadata: { labels: { name: "a b" } }, spec: machineSpec() },
      },
      'spec.template.metadata.labels.name: "a b" is not a value that Kubernetes takes; ' +
        'use at most 63 letters, digits, "-", "_" and "."',
    ],
    [
      "with a broken template",
      { template: broken },
      'spec.template.spec.providerSpec.value.cloudProvider: "gone" is not known; this controller has example',
    ],
  ];
  for (const [name, spec, message] of cases) {
    test(name, async () => assert.equal((await create(machineDeployment(spec))).message, message));
  }
});

for (const type of ["OnDelete", "Recreate"]) {
  test(`the strategy ${type} has no rollingUpdate to default`, async () => {
    const object = machineDeployment({ strategy: { type } });
    const { spec } = patched(object, await create(object)) as { spec: Raw };
    assert.deepEqual(spec["strategy"], { type });
  });
}

describe("an update that leaves the template as it was, by meaning,", () => {
  const stored = machineDeployment({ replicas: 1, template: broken });
  const reordered = template({
    versions: { kubelet: "1.36.2" },
    taints: null,
    ...machineSpec({ cloudProvider: "gone" }),
  });

  test("is not held up by what is wrong with it", async () => {
    const scaled = machineDeployment({ replicas: 3, template: reordered });
    assert.equal((await update(stored, scaled)).message, "");
  });

  test("does not give it new defaults, which would start a rollout", async () => {
    const undefaulted = machineDeployment({ replicas: 1 });
    const scaled = machineDeployment({ replicas: 3 });
    assert.deepEqual(
      (patched(scaled, await update(undefaulted, scaled))["spec"] as Raw)["template"],
      template(machineSpec()),
    );
  });

  test("is still checked in what it changes", async () => {
    assert.equal((await update(stored, machineDeployment({ replicas: -1, template: broken }))).allowed, false);
  });
});

test("an update of the template is checked and defaulted", async () => {
  const changed = machineDeployment({ template: template({ ...machineSpec(), versions: { kubelet: "1.36.3" } }) });
  const { spec } = patched(changed, await update(machineDeployment(), changed)) as {
    spec: { template: { spec: Raw } };
  };
  assert.deepEqual((spec.template.spec["providerSpec"] as { value: Raw }).value["operatingSystemSpec"], {
    distUpgradeOnBoot: false,
  });
  assert.equal((await update(machineDeployment(), machineDeployment({ template: broken }))).allowed, false);
});

test("a broken MachineDeployment can be annotated, and changed while it is deleted", async () => {
  const stored = machineDeployment({ template: broken });
  assert.deepEqual(
    (await update(stored, machineDeployment({ template: broken }, { annotations: { a: "b" } }))).patch,
    [],
  );
  const deleting = machineDeployment({ template: broken, replicas: -1 }, { deletionTimestamp: "2026-01-01T00:00:00Z" });
  assert.ok((await update(stored, deleting)).allowed);
});

test("a changed selector is allowed, with a warning", async () => {
  const labels = { name: "workers", tier: "a" };
  const both = { metadata: { labels }, spec: machineSpec() };
  const before = machineDeployment({ template: both });
  const { allowed, warnings } = await update(
    before,
    machineDeployment({ template: both, selector: { matchLabels: labels } }),
  );
  assert.ok(allowed);
  assert.deepEqual(warnings, [
    "spec.selector: was changed; MachineSets that it no longer selects are left to themselves",
  ]);
});

test("an unknown field is warned of, with the nearest name", async () => {
  const { allowed, warnings } = await create(machineDeployment({ replica: 3, Replicas: 2 }));
  assert.ok(allowed);
  assert.deepEqual(warnings, [
    'spec.replica: unknown field, which is ignored; did you mean "replicas"?',
    'spec.Replicas: unknown field, which is ignored; did you mean "replicas"?',
  ]);
});

describe("a MachineSet", () => {
  const machineSet = (spec: Raw = {}, metadata: Raw = {}) => ({
    ...machineDeployment(spec, metadata),
    kind: "MachineSet",
  });
  const admit = (object: Raw) => admitMachineSet({ operation: "CREATE", object, user }, context);

  test("gets replicas, and its template no defaults", async () => {
    assert.deepEqual((await admit(machineSet())).patch, [{ op: "add", path: "/spec/replicas", value: 1 }]);
  });

  test("is checked like a MachineDeployment", async () => {
    const policy = await admit(machineSet({ deletePolicy: "Oldets" }));
    assert.equal(policy.message, 'spec.deletePolicy: "Oldets" is not supported; did you mean "Oldest"?');
    assert.match((await admit(machineSet({ template: broken }))).message, /"gone" is not known/);
    assert.match((await admit(machineSet({ selector: {} }))).message, /^spec\.selector: must not be empty/);
  });

  test("of a MachineDeployment is never held up", async () => {
    const ownerReferences = [{ kind: "MachineDeployment", controller: true }];
    assert.deepEqual((await admit(machineSet({ template: broken }, { ownerReferences }))).message, "");
  });
});
