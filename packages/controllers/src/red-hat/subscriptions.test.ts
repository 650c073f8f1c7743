import type { Machine } from "@machine-controller/api";
import { KubeError, systemClock } from "@machine-controller/kube-client";
import { createConfigVarResolver } from "@machine-controller/provider";
import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistrationError } from "./exchange.ts";
import { createSubscriptions, isRegistered } from "./subscriptions.ts";

const { signal } = new AbortController();
const SATELLITE = {
  rhelUseSatelliteServer: true,
  rhelSatelliteServer: "satellite.test",
  rhelSubscriptionManagerUser: "user",
  rhelSubscriptionManagerPassword: { secretKeyRef: { namespace: "a", name: "rhsm", key: "password" } },
};

function machineOf(operatingSystemSpec: object, { cloudProvider = "vsphere", operatingSystem = "rhel" } = {}): Machine {
  return {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: { name: "m", namespace: "kube-system", uid: "u" },
    spec: {
      providerSpec: { value: { cloudProvider, operatingSystem, operatingSystemSpec } },
      versions: { kubelet: "1.36.2" },
    },
    status: {
      addresses: [
        { type: "InternalDNS", address: "ip-10-0-0-1.internal" },
        { type: "InternalIP", address: "10.0.0.1" },
      ],
    },
  };
}

/** Red Hat's services as they answer; an entry of `answers` overrides one, by method and path. */
function world(
  options: { systems?: { uuid: string; name: string }[]; answers?: Record<string, Response | Error> } = {},
) {
  const { systems = [], answers = {} } = options;
  const seen: string[] = [];
  const subscriptions = createSubscriptions({
    clock: systemClock,
    resolver: createConfigVarResolver({
      readSecret: async () => ({ password: "pass" }),
      readConfigMap: async () => undefined,
      environment: {},
    }),
    async fetch(request) {
      const { method, headers } = request;
      const { pathname, searchParams, host, protocol } = new URL(request.url);
      seen.push(`${method} ${host}${pathname}${searchParams.size > 0 ? `?${searchParams.toString()}` : ""}`);
      assert.equal(protocol, "https:");
      const answer = answers[`${method} ${pathname}`];
      if (answer instanceof Error) throw answer;
      if (answer !== undefined) return answer.clone();
      if (pathname.endsWith("/token")) {
        assert.equal(await request.text(), "grant_type=refresh_token&client_id=rhsm-api&refresh_token=offline");
        return Response.json({ access_token: "access" });
      }
      if (pathname.startsWith("/api/v2/hosts/")) {
        assert.equal(headers.get("authorization"), `Basic ${btoa("user:pass")}`);
        return Response.json({}, { status: 200 });
      }
      assert.equal(headers.get("authorization"), "Bearer access");
      if (method === "DELETE") return new Response(null, { status: 204 });
      const [limit, offset] = [Number(searchParams.get("limit")), Number(searchParams.get("offset"))];
      return Response.json({ body: systems.slice(offset, offset + limit) });
    },
  });
  return { seen, remove: (machine: Machine) => subscriptions.remove(machine, { signal }) };
}
const fails = (promise: Promise<void>, message: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof RegistrationError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /offline|access|pass/);
    return true;
  });

const SYSTEMS = "/management/v1/systems";
const many = Array.from({ length: 150 }, (_, index) => ({ uuid: `u${index}`, name: index === 120 ? "m" : "other" }));

test("with an offline token every system of the Machine's name is removed, whatever page it is on", async () => {
  const { seen, remove } = world({ systems: [...many, { uuid: "again", name: "m" }] });
  await remove(machineOf({ rhsmOfflineToken: "offline" }));
  assert.deepEqual(seen, [
    "POST sso.redhat.com/auth/realms/redhat-external/protocol/openid-connect/token",
    `GET api.access.redhat.com${SYSTEMS}?limit=100&offset=0`,
    `GET api.access.redhat.com${SYSTEMS}?limit=100&offset=100`,
    `DELETE api.access.redhat.com${SYSTEMS}/u120`,
    `DELETE api.access.redhat.com${SYSTEMS}/again`,
  ]);
});

test("a system that is not there is removed", async () => {
  const { seen, remove } = world();
  await remove(machineOf({ rhsmOfflineToken: "offline" }));
  assert.equal(seen.filter((call) => call.startsWith("DELETE")).length, 0);
  const gone = world({
    systems: [{ uuid: "1", name: "m" }],
    answers: { [`DELETE ${SYSTEMS}/1`]: new Response(null, { status: 404 }) },
  });
  await gone.remove(machineOf({ rhsmOfflineToken: "offline" }));
});

test("on AWS the system has the name that the cloud gave the instance", async () => {
  const { seen, remove } = world({
    systems: [
      { uuid: "1", name: "ip-10-0-0-1.internal" },
      { uuid: "2", name: "m" },
    ],
  });
  await remove(machineOf({ rhsmOfflineToken: "offline" }, { cloudProvider: "aws" }));
  assert.equal(seen.at(-1), `DELETE api.access.redhat.com${SYSTEMS}/1`);
});

test("a host is deleted from its Satellite server, with credentials given by reference", async () => {
  const { seen, remove } = world();
  await remove(machineOf(SATELLITE));
  assert.deepEqual(seen, ["DELETE satellite.test/api/v2/hosts/m"]);
  const gone = world({ answers: { "DELETE /api/v2/hosts/m": new Response(null, { status: 404 }) } });
  await gone.remove(machineOf(SATELLITE));
});

for (const [name, answers, spec, message] of [
  [
    "a refused token",
    { "POST /auth/realms/redhat-external/protocol/openid-connect/token": new Response(null, { status: 401 }) },
    {},
    /Subscription Management answered POST with 401/,
  ],
  [
    "a token that is none",
    { "POST /auth/realms/redhat-external/protocol/openid-connect/token": Response.json({}) },
    {},
    /without a token/,
  ],
  ["a list that fails", { [`GET ${SYSTEMS}`]: new Response(null, { status: 503 }) }, {}, /answered GET with 503/],
  ["a list that is none", { [`GET ${SYSTEMS}`]: Response.json({ body: "x" }) }, {}, /not a list/],
  ["a page of HTML", { [`GET ${SYSTEMS}`]: new Response("<html>") }, {}, /JSON/],
  ["a network that is down", { [`GET ${SYSTEMS}`]: new TypeError("fetch failed") }, {}, /cannot be reached/],
  [
    "a Satellite server that refuses",
    { "DELETE /api/v2/hosts/m": new Response(null, { status: 403 }) },
    SATELLITE,
    /Satellite server satellite.test answered DELETE with 403/,
  ],
  ["a Satellite server without a name", {}, { ...SATELLITE, rhelSatelliteServer: "" }, /rhelSatelliteServer is empty/],
  ["a Satellite server that is a path", {}, { ...SATELLITE, rhelSatelliteServer: "a/b" }, /must be a host name/],
] as const) {
  test(`${name} is told without its secrets`, async () => {
    const given = Object.keys(spec).length > 0 ? spec : { rhsmOfflineToken: "offline" };
    await fails(world({ answers }).remove(machineOf(given)), message);
  });
}

test("an API server that cannot be asked for a Secret is no trouble of the subscription", async () => {
  const subscriptions = createSubscriptions({
    clock: systemClock,
    fetch: () => assert.fail("nothing is sent"),
    resolver: createConfigVarResolver({
      readSecret: () => Promise.reject(new KubeError("Unreachable", "no answer")),
      readConfigMap: async () => undefined,
      environment: {},
    }),
  });
  await assert.rejects(subscriptions.remove(machineOf(SATELLITE), { signal }), { name: "KubeError" });
});

test("only RHEL systems that were registered are of concern", () => {
  assert.ok(isRegistered(machineOf(SATELLITE)));
  assert.ok(isRegistered(machineOf({ rhsmOfflineToken: "offline" })));
  assert.ok(!isRegistered(machineOf({})));
  assert.ok(!isRegistered(machineOf(SATELLITE, { operatingSystem: "ubuntu" })));
});
