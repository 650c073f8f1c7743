/**
 * Creation: reads first, all of them shared and kept, then one request. The name is unique in the project, so a repeat is
 * refused and finds the first server by its name; the label tells whether it is this Machine's.
 */
import {
  type CreateRequest,
  type Instance,
  isProviderError,
  ProviderError,
  TerminalError,
} from "@machine-controller/provider";
import { choose } from "./catalogue.ts";
import type { Client } from "./client.ts";
import { isRefusal } from "./errors.ts";
import type { config } from "./fields.ts";
import { LABEL_CLUSTER, LABEL_UID, toInstance } from "./server.ts";

type Create = CreateRequest<Client, typeof config>;

export async function createServer(request: Create): Promise<Instance> {
  const { client } = request;
  const body = await toBody(request);
  const full = new Set<number>();
  for (;;) {
    using group = await reserveGroup(request, full);
    try {
      const placed = { ...body, ...(group && { placement_group: group.id }) };
      return toInstance(await client.cloud.create("servers", placed, request));
    } catch (error) {
      if (isRefusal(error, "uniqueness_error")) return await adopt(request, error);
      // Something may be gone that was found a while ago.
      if (isProviderError(error, "Terminal")) client.lookups.forget();
      const another = group !== undefined && full.size === 0 && isRefusal(error, "placement_error");
      if (!another) throw error;
      full.add(group.id);
    }
  }
}

async function toBody(request: Create) {
  const { client, config, name, uid, clusterUid, userData } = request;
  const [{ serverType, location, image, networks, firewalls }, sshKey] = await Promise.all([
    choose(client, request, request),
    client.sshKey(request),
  ]);
  return {
    name,
    server_type: serverType.name,
    image: String(image.id),
    ...(location && { location: location.name }),
    ssh_keys: [sshKey.name],
    user_data: userData,
    labels: { ...config.labels, ...(clusterUid && { [LABEL_CLUSTER]: clusterUid }), [LABEL_UID]: uid },
    networks: networks.map(({ id }) => id),
    firewalls: firewalls.map(({ id }) => ({ firewall: id })),
    public_net: { enable_ipv4: config.assignPublicIPv4, enable_ipv6: config.assignPublicIPv6 },
  };
}

async function reserveGroup({ client, config, signal }: Create, except: ReadonlySet<number>) {
  const { placementGroupPrefix, labels } = config;
  if (placementGroupPrefix === "") return undefined;
  const ownLabels = Object.fromEntries(Object.entries(labels).filter(([key]) => key !== LABEL_UID));
  return client.placementGroups.reserve(placementGroupPrefix, { labels: ownLabels, except, signal });
}

/** The server that has the name already, if it is this Machine's. */
async function adopt({ client, name, uid, signal }: Create, cause: unknown): Promise<Instance> {
  const [server] = await client.cloud.list("servers", { name }, { signal });
  if (server === undefined) {
    throw new ProviderError("Unavailable", `server "${name}" was there and is gone; trying again`, { cause });
  }
  if (server.labels[LABEL_UID] !== uid) {
    throw new TerminalError(
      "InvalidConfiguration",
      `the name "${name}" is taken by server ${server.id}, which does not bear the label ${LABEL_UID}=${uid}; ` +
        "delete that server, or give the Machine another name in spec.metadata.name",
      { cause },
    );
  }
  if (server.status === "deleting") {
    throw new ProviderError("Unavailable", `server ${server.id} of the same name is still being deleted`, { cause });
  }
  return toInstance(server);
}
