import assert from "node:assert/strict";
import { test } from "node:test";
import { OPERATING_SYSTEMS } from "@machine-controller/api";
import { requestFixture } from "./user-data-request.fixture.ts";
import { isOperatingSystemSupported, userDataFor } from "./user-data.ts";

const requestFor = (operatingSystem: (typeof OPERATING_SYSTEMS)[number]) =>
  requestFixture({ providerSpec: { ...requestFixture().providerSpec, operatingSystem } });

for (const operatingSystem of OPERATING_SYSTEMS) {
  test(`${operatingSystem} either gets user data or an error that names the ways out`, () => {
    if (isOperatingSystemSupported(operatingSystem)) {
      assert.match(userDataFor(requestFor(operatingSystem)), /^#cloud-config\n/);
      return;
    }
    assert.throws(() => userDataFor(requestFor(operatingSystem)), {
      code: "OperatingSystemNotSupported",
      path: "spec.providerSpec.value.operatingSystem",
      message: new RegExp(`for ${operatingSystem}, only for ubuntu;.*cloud-init-settings/.*-bootstrap-config`),
    });
  });
}
