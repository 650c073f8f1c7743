/** Lives of RHEL systems, which have to leave what they are registered with. */
import { BOOTSTRAP_NAMESPACE, bootstrapSecretName } from "@machine-controller/api/well-known";
import { NAMESPACE } from "../../world/cluster.ts";
import { createDeployment } from "../../world/people.ts";
import { SATELLITE } from "../../world/red-hat.ts";
import { at, type Life, patch, pathOf, POOL, READY_MS } from "./life.ts";
import type { World } from "../../world/world.ts";

/** No user data is made for RHEL here: an operating-system-manager gives it, and these systems never join. */
function lead(world: World, operatingSystemSpec: object): void {
  at(world, 0, async () => {
    await world.cluster.request("POST", `/api/v1/namespaces/${BOOTSTRAP_NAMESPACE}/secrets`, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: bootstrapSecretName(POOL.name, NAMESPACE) },
      stringData: { "cloud-config": "#cloud-config" },
    });
    for (const [key, value] of Object.entries(VALUES)) {
      await world.cluster.request("POST", `/api/v1/namespaces/${NAMESPACE}/secrets`, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: `red-hat-${key}` },
        stringData: { [key]: value },
      });
    }
    await createDeployment(world, POOL, { operatingSystem: "rhel", operatingSystemSpec });
  });
  at(world, READY_MS, () => patch(world, pathOf("machinedeployments", POOL.name), { spec: { replicas: 0 } }));
}

/** Each in a Secret of its own. */
const VALUES = { token: "an-offline-token", server: SATELLITE, user: "admin", password: "a-password" };
const from = (key: keyof typeof VALUES) => ({
  secretKeyRef: { namespace: NAMESPACE, name: `red-hat-${key}`, key },
});
const RHSM = { rhsmOfflineToken: from("token") };
/** Whose bodies come later than their heads. */
const TRICKLING = new Map(
  ["POST realms/protocol", "GET v1"].map((call) => [`controller-a → red-hat ${call} #1`, "reply trickles"]),
);

export const RHEL_LIVES: readonly Life[] = [
  {
    name: "leave a subscription",
    clouds: ["plain-token"],
    scenario: { busyMs: 60_000 },
    faults: TRICKLING,
    script: (world) => lead(world, RHSM),
  },
  {
    name: "leave a subscription that refuses at first",
    clouds: ["plain-token"],
    scenario: { busyMs: 60_000 },
    faults: new Map([["controller-a → red-hat POST realms/protocol #1", "cloud 503"]]),
    script: (world) => lead(world, RHSM),
  },
  {
    name: "leave a Satellite server",
    clouds: ["plain-token"],
    scenario: { busyMs: 60_000 },
    script: (world) =>
      lead(world, {
        rhelUseSatelliteServer: true,
        rhelSatelliteServer: from("server"),
        rhelSubscriptionManagerUser: from("user"),
        rhelSubscriptionManagerPassword: from("password"),
      }),
  },
];
