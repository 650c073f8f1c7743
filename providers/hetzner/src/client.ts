import type { Call, Connection } from "@machine-controller/provider";
import { type Cloud, createCloud } from "./cloud.ts";
import type { credential } from "./fields.ts";
import { createMarkedServers, type MarkedServers } from "./marked-servers.ts";
import { createPlacementGroups, type PlacementGroups } from "./placement-groups.ts";
import { createSharedLookups, type SharedLookups } from "./shared-lookups.ts";
import { ensureSshKey } from "./ssh-key.ts";

/** What hardly ever changes is kept this long; a refused creation makes it forgotten at once. */
const LOOKUP_TTL_MS = 5 * 60_000;

/** One project: the API, and what the Machines of one token share. */
export type Client = {
  cloud: Cloud;
  lookups: SharedLookups;
  markedServers: MarkedServers;
  placementGroups: PlacementGroups;
  sshKey(call: Call): Promise<{ name: string }>;
};

export function connect(connection: Connection<typeof credential>): Client {
  const { clock, random } = connection;
  const cloud = createCloud(connection);
  const lookups = createSharedLookups({ clock, ttlMs: LOOKUP_TTL_MS });
  return {
    cloud,
    lookups,
    markedServers: createMarkedServers(cloud, clock),
    placementGroups: createPlacementGroups(cloud, random),
    sshKey: (call) => lookups.get("ssh key", ({ signal }) => ensureSshKey(cloud, { random, signal }), call),
  };
}
