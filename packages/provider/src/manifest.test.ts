import assert from "node:assert/strict";
import { test } from "node:test";
import { cloudProviderOf, parseProviderSpec, unknownProvider } from "./manifest.ts";

const spec = (value: unknown) => ({ providerSpec: { value }, versions: { kubelet: "1.36.2" } }) as never;

test("the cloud's name is read from a spec that is broken otherwise", () => {
  assert.equal(cloudProviderOf(spec({ CloudProvider: "hetzner", nonsense: 1 })), "hetzner");
  assert.throws(() => cloudProviderOf(spec(undefined)), { code: "Terminal", message: /cloudProvider: must be set/ });
  assert.throws(() => cloudProviderOf(spec({ cloudProvider: "" })), { code: "Terminal" });
});

test("a broken envelope names every problem", () => {
  assert.throws(
    () =>
      parseProviderSpec(
        spec({ cloudProvider: "hetzner", cloudProviderSpec: {}, operatingSystem: "ubunto", netwerk: {} }),
      ),
    (error: Error) => {
      assert.match(error.message, /spec\.providerSpec\.value\.netwerk: unknown field; did you mean "network"\?/);
      assert.match(error.message, /operatingSystem: "ubunto" is not supported; did you mean "ubuntu"\?/);
      return true;
    },
  );
  assert.throws(() => parseProviderSpec(spec(null)), { code: "Terminal" });
});

test("an unknown cloud names the nearest one, or all", () => {
  assert.match(
    unknownProvider("hetzna", ["hetzner", "aws"]).message,
    /"hetzna" is not known; did you mean "hetzner"\?/,
  );
  assert.match(unknownProvider("moon", ["hetzner", "aws"]).message, /this controller has hetzner, aws/);
});
