import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalTemplate, replacedPart } from "./canonical.ts";
import type { MachineTemplate } from "./machine-set.ts";
import { formatSelector } from "./selector.ts";

const parse = (text: string): MachineTemplate => JSON.parse(text) as MachineTemplate;
const template = (value: string, more = ""): MachineTemplate =>
  parse(
    `{"metadata":{"labels":{"a":"1"}},"spec":{"versions":{"kubelet":"1.36.2"},"providerSpec":{"value":${value}}${more}}}`,
  );

test("templates are equal by meaning: key order, number spelling, and what Go writes for nothing", () => {
  const text = canonicalTemplate(template(`{"cloudProvider":"hetzner","cloudProviderSpec":{"count":1,"size":"x"}}`));
  for (const same of [
    `{"cloudProviderSpec":{"size":"x","count":1.0},"cloudProvider":"hetzner"}`,
    `{"cloudProvider":"hetzner","cloudProviderSpec":{"count":1e0,"size":"x"},"caPublicKey":"","sshPublicKeys":null,"network":{}}`,
  ]) {
    assert.equal(canonicalTemplate(template(same)), text);
  }
  for (const other of [
    `{"cloudProvider":"hetzner","cloudProviderSpec":{"count":2,"size":"x"}}`,
    `{"cloudProvider":"hetzner","cloudProviderSpec":{"count":1,"size":"x","on":false}}`,
  ]) {
    assert.notEqual(canonicalTemplate(template(other)), text);
  }
  const labelled = parse(
    `{"metadata":{"labels":{"a":"1","b":""}},"spec":{"versions":{"kubelet":"1"},"providerSpec":{}}}`,
  );
  assert.match(canonicalTemplate(labelled), /"b":""/);
});

test("metadata and taints are no part of what replaces a Machine; its name, versions and instance are", () => {
  const part = (more: string, value = "{}"): string => canonicalTemplate(replacedPart(template(value, more)));
  const plain = part("");
  assert.equal(
    part(`,"taints":[{"key":"t","effect":"NoSchedule"}],"metadata":{"labels":{"x":"1"},"annotations":{"y":"2"}}`),
    plain,
  );
  assert.notEqual(part(`,"metadata":{"name":"x"}`), plain);
  assert.notEqual(part("", `{"operatingSystem":"ubuntu"}`), plain);
});

test("a selector as kubectl writes it", () => {
  assert.equal(
    formatSelector({
      matchLabels: { a: "1", b: "2" },
      matchExpressions: [
        { key: "c", operator: "In", values: ["3", "4"] },
        { key: "d", operator: "NotIn", values: ["5"] },
        { key: "e", operator: "Exists" },
        { key: "f", operator: "DoesNotExist" },
      ],
    }),
    "a=1,b=2,c in (3,4),d notin (5),e,!f",
  );
});
