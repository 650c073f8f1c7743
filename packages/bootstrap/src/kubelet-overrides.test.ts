import assert from "node:assert/strict";
import { test } from "node:test";
import { KUBELET_CONFIG_PREFIX, kubeletOverrides } from "./kubelet-overrides.ts";

const annotated = (name: string, value: string) => kubeletOverrides({ [KUBELET_CONFIG_PREFIX + name]: value });

test("annotations become fields of KubeletConfiguration", () => {
  assert.deepEqual(annotated("SystemReserved", "cpu=500m, memory=1Gi"), {
    systemReserved: { cpu: "500m", memory: "1Gi" },
  });
  assert.deepEqual(annotated("EvictionHard", "memory.available<500Mi,nodefs.available<10%"), {
    evictionHard: { "memory.available": "500Mi", "nodefs.available": "10%" },
  });
  assert.deepEqual(annotated("MaxPods", "250"), { maxPods: 250 });
  assert.deepEqual(annotated("ContainerLogMaxSize", "50Mi"), { containerLogMaxSize: "50Mi" });
  assert.deepEqual(annotated("ImageMaximumGCAge", "12h30m"), { imageMaximumGCAge: "12h30m" });
});

test("other annotations are none of the kubelet's", () => {
  assert.deepEqual(kubeletOverrides({ "example.com/MaxPods": "x" }), {});
  assert.deepEqual(kubeletOverrides(undefined), {});
});

test("a misspelt setting names the nearest one", () => {
  const path = 'metadata.annotations["v1.kubelet-config.machine-controller.kubermatic.io/MaxPod"]';
  assert.throws(() => annotated("MaxPod", "250"), { code: "InvalidMachine", path, message: /expected MaxPods$/ });
});

for (const [name, value] of [
  ["MaxPods", "many"],
  ["SystemReserved", "cpu"],
  ["SystemReserved", "cpu=200m=1"],
  ["KubeReserved", ""],
  ["EvictionHard", "memory.available=500Mi"],
  ["ImageMinimumGCAge", "5"],
  ["constructor", "1"],
] as const) {
  test(`${name}=${JSON.stringify(value)} is an error, before a kubelet refuses to start with it`, () => {
    assert.throws(() => annotated(name, value), { code: "InvalidMachine" });
  });
}
