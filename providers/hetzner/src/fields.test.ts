import assert from "node:assert/strict";
import { test } from "node:test";
import { addDefaults, type Config, locationOf, validateConfig } from "./fields.ts";

const path = "spec.providerSpec.value.cloudProviderSpec.datacenter";
const secretKeyRef = { namespace: "a", name: "b", key: "c" };
const config = {
  datacenter: "",
  location: "",
  networks: [],
  assignPublicIPv4: true,
  assignPublicIPv6: true,
} as unknown as Config;

test("a literal datacenter becomes its location", () => {
  const expected = { serverType: "cx23", datacenter: "", location: "nbg1" };
  assert.deepEqual(addDefaults({ serverType: "cx23", datacenter: "nbg1-dc3" }), expected);
  assert.deepEqual(addDefaults({ serverType: "cx23", datacenter: { value: "nbg1-dc3" }, location: "" }), expected);
  assert.deepEqual(addDefaults(expected), expected);
});

test("a datacenter by reference is left alone until it is resolved", () => {
  const spec = { datacenter: { secretKeyRef }, location: "nbg1" };
  assert.equal(addDefaults(spec), spec);
  assert.equal(addDefaults(addDefaults({ location: "nbg1" }))["location"], "nbg1");
  assert.equal(locationOf({ datacenter: "fsn1-dc14", location: "" }), "fsn1");
  assert.throws(() => validateConfig({ ...config, datacenter: "fsn1-dc14", location: "nbg1" }), { code: "Terminal" });
});

test("a datacenter that gives no location is refused with path, value and remedy", () => {
  const refused = (spec: Record<string, unknown>, message: string) =>
    assert.throws(() => addDefaults(spec), {
      code: "Terminal",
      reason: "InvalidConfiguration",
      message: `${path}: ${message}`,
    });
  refused(
    { datacenter: "nbg1-dc3", location: "fsn1" },
    '"nbg1-dc3" and location "fsn1" are both set; remove datacenter',
  );
  refused({ datacenter: 4 }, '"4" is an ID, which has no location in it; set location, for example "nbg1"');
  refused({ datacenter: "-dc3" }, '"-dc3" does not begin with a location; set location instead');
});

test("a server needs at least one way to have an address", () => {
  const none = { ...config, assignPublicIPv4: false, assignPublicIPv6: false };
  assert.throws(() => validateConfig(none), { code: "Terminal", message: /assignPublicIPv4: .* set one of them$/ });
  validateConfig({ ...none, networks: ["net"] });
  validateConfig({ ...none, assignPublicIPv6: true });
  validateConfig({ ...none, assignPublicIPv4: true });
});
