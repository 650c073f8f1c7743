import {
  defineProvider,
  InstanceNotFoundError,
  type InstanceRequest,
  isProviderError,
  TerminalError,
} from "@machine-controller/provider";
import { choose, serverTypeOf } from "./catalogue.ts";
import { type Client, connect } from "./client.ts";
import { createServer } from "./create-server.ts";
import { isRefusal } from "./errors.ts";
import { addDefaults, config, credential, operatingSystems, validateConfig } from "./fields.ts";
import { LABEL_UID, type Server, toInstance } from "./server.ts";

type Find = InstanceRequest<Client>;

export const hetzner = defineProvider({
  name: "hetzner",
  title: "Hetzner Cloud",
  documentation: "https://docs.hetzner.cloud/reference/cloud",
  endpoint: { url: "https://api.hetzner.cloud/v1", env: "HCLOUD_ENDPOINT" },
  credential,
  config,
  sizeField: "serverType",
  metricsFields: ["location"],
  imageField: "image",
  operatingSystems,
  idempotency: { class: "unique-name", settleMs: 30_000, consistencyMs: 2_000 },
  userDataLimitBytes: 32_768,

  connect,
  addDefaults,
  validateConfig,

  async validate(request) {
    await choose(request.client, request, request);
  },

  async capacityOf({ client, config, signal }) {
    const { name, cores, memory, disk, architecture } = await serverTypeOf(client, config, { signal });
    return {
      cpus: cores,
      memoryMiB: memory * 1_024,
      diskMiB: Math.floor((disk * 1e9) / 2 ** 20),
      architecture: architecture === "arm" ? "arm64" : "amd64",
      labels: { "node.kubernetes.io/instance-type": name },
    };
  },

  async list({ cloud }, call) {
    const servers = await cloud.list("servers", { label_selector: LABEL_UID, sort: "id:asc" }, call);
    return servers.map(toInstance);
  },

  async get(request) {
    if (request.recorded !== undefined) return toInstance(await recordedServer(request, request.recorded.id));
    const servers = await labelledServers(request);
    const server = servers.find(({ status }) => status !== "deleting") ?? servers[0];
    if (server !== undefined) return toInstance(server);
    throw new InstanceNotFoundError(`Hetzner Cloud has no server labelled ${LABEL_UID}=${request.uid}`);
  },

  create: createServer,

  async cleanup(request) {
    const { client, recorded, signal } = request;
    const servers = await remainingServers(request);
    for (const server of servers) await ensureDeleting(server, request);
    if (servers.length > 0) return false;
    const group = recorded?.resources["placementGroup"];
    return group === undefined || client.placementGroups.release(group, { goneServer: recorded?.id, signal });
  },

  async migrateUID(request) {
    for (const { id, labels } of await labelledServers(request)) {
      await request.client.cloud.setServerLabels(id, { ...labels, [LABEL_UID]: request.newUid }, request);
    }
  },
});

async function labelledServers({ client, uid, signal }: Find): Promise<Server[]> {
  const servers = await client.cloud.list("servers", { label_selector: `${LABEL_UID}==${uid}` }, { signal });
  // Deletion rests on this: a selector that something in between dropped must not select everything.
  return servers.filter(({ labels }) => labels[LABEL_UID] === uid);
}

/** @throws InstanceNotFoundError; TerminalError where the server is no longer marked as the Machine's. */
async function recordedServer({ client, uid, signal }: Find, id: string): Promise<Server> {
  const server = await client.cloud.get("servers", id, { signal });
  const found = server.labels[LABEL_UID];
  if (found === uid) return server;
  throw new TerminalError(
    "InvalidConfiguration",
    `server ${id} is recorded for this Machine, but its label ${LABEL_UID} is ${found ? `"${found}"` : "missing"}; ` +
      `set it to "${uid}" again, or give the server up with the annotation machine-controller/abandon`,
  );
}

/**
 * By the mark, since an attempt may have left one that nobody recorded; and where that does not show the recorded one,
 * which it may have lost, by ID.
 */
async function remainingServers(request: Find): Promise<Server[]> {
  const { client, uid, recorded } = request;
  const marked = await client.markedServers.of(uid, request);
  if (recorded === undefined || marked.some(({ id }) => String(id) === recorded.id)) return marked;
  try {
    return [await recordedServer(request, recorded.id), ...marked];
  } catch (error) {
    if (!isProviderError(error, "InstanceNotFound")) throw error;
    return marked;
  }
}

async function ensureDeleting({ id, status }: Server, { client, signal }: Find): Promise<void> {
  if (status === "deleting") return;
  try {
    await client.cloud.delete("servers", id, { signal });
  } catch (error) {
    if (!isProviderError(error, "InstanceNotFound") && !isRefusal(error, "conflict", "locked")) throw error;
  }
}
