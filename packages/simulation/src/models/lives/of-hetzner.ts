/** Lives that only Hetzner Cloud leads: its networks, placement groups and keys. */
import { asOwner, at, createMachine, deleteMachine, type Life, READY_MS } from "./life.ts";

export const HETZNER_LIVES: readonly Life[] = [
  {
    name: "in a placement group and a network",
    clouds: ["hetzner"],
    scenario: { busyMs: 90_000 },
    script(world) {
      at(world, 0, async () => {
        await asOwner(world, "POST /networks", {
          name: "inner",
          ip_range: "10.0.0.0/16",
          subnets: [{ type: "cloud", network_zone: "eu-central", ip_range: "10.0.1.0/24" }],
        });
        await createMachine(world, { spec: { config: { networks: ["inner"], placementGroupPrefix: "spread" } } });
      });
      at(world, READY_MS, () => deleteMachine(world, "lone"));
    },
  },
  {
    name: "by the ID of an image",
    clouds: ["hetzner"],
    scenario: { busyMs: 60_000 },
    script: (world) => at(world, 0, () => createMachine(world, { spec: { config: { location: "1" } } })),
  },
  {
    name: "its name is its own server's",
    clouds: ["hetzner"],
    scenario: { hasLoneMachine: true, busyMs: 60_000 },
    faults: new Map([["controller-a → hetzner POST servers #1", "reply lost"]]),
    script: () => {},
  },
  {
    name: "somebody makes the key first",
    clouds: ["hetzner"],
    scenario: { hasLoneMachine: true, busyMs: 60_000 },
    script(world) {
      let looks = 0;
      world.onEffect(({ message }) => {
        if (message.method !== "GET" || !message.path.startsWith("/v1/ssh_keys")) return;
        looks += 1;
        const key = { name: "machine-controller", public_key: `ssh-ed25519 ${KEY} other` };
        if (looks === 2) void asOwner(world, "POST /ssh_keys", key);
      });
    },
  },
];

/** Of nobody: 32 bytes of zero behind their type. */
const KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
