/** The provider of a plain cloud: what an author writes, for any of the models. */
import {
  type CloudClient,
  createCloudClient,
  defineProvider,
  type ErrorAnswer,
  type Instance,
  InstanceNotFoundError,
  isProviderError,
  ProviderError,
  stringField,
  TerminalError,
} from "@machine-controller/provider";
import type { CloudModel } from "./model.ts";

/** An instance as the API shows it. */
export type PlainInstance = {
  id: string;
  name: string;
  mark: string;
  cluster: string;
  address: string;
  status: "running" | "deleting";
};

// oxlint-disable-next-line typescript/explicit-function-return-type -- the types of the fields are inferred
export function definePlainProvider({ name, title, idempotency, namesAccount }: CloudModel) {
  return defineProvider({
    name,
    title,
    documentation: "https://plain.simulation/docs",
    endpoint: { url: "https://plain.simulation/v1", env: "PLAIN_ENDPOINT" },
    credential: { token: stringField({ description: "API token.", env: "PLAIN_TOKEN", secret: true, required: true }) },
    config: { size: stringField({ description: "Size of the instance.", required: true }) },
    sizeField: "size",
    operatingSystems: { ubuntu: "ubuntu-24.04", rhel: "rhel-9" },
    idempotency,
    userDataLimitBytes: 65_536,

    connect: ({ credential, endpoint, fetch, clock }): CloudClient =>
      createCloudClient({
        title,
        baseUrl: endpoint,
        headers: { authorization: `Bearer ${credential.token}` },
        fetch,
        clock,
        classify: (answer) => classify(title, answer),
      }),

    ...(namesAccount && {
      account: async (client: CloudClient, { signal }: { signal: AbortSignal }) =>
        (await client.get<{ account: string }>("/account", { signal })).account,
    }),

    async list(client, { signal }) {
      const { instances } = await client.get<{ instances: PlainInstance[] }>("/instances", { signal });
      return instances.map(toInstance);
    },

    async get({ client, recorded, uid, signal }) {
      if (recorded !== undefined) {
        const { instance } = await client.get<{ instance: PlainInstance }>(`/instances/${recorded.id}`, { signal });
        return toInstance(instance);
      }
      const [instance] = await marked(client, uid, signal);
      if (instance === undefined) throw new InstanceNotFoundError(`no instance is marked ${uid}`);
      return toInstance(instance);
    },

    async create({ client, name, uid, clusterUid = "", userData, token, config, signal }) {
      const body = {
        name,
        mark: uid,
        cluster: clusterUid,
        size: config.size,
        userData,
        ...(idempotency.class === "token" && { token }),
      };
      try {
        return toInstance((await client.post<{ instance: PlainInstance }>("/instances", { body, signal })).instance);
      } catch (error) {
        if (!isProviderError(error, "Unavailable") || !isNameTaken(error)) throw error;
        const query = { name };
        const { instances } = await client.get<{ instances: PlainInstance[] }>("/instances", { query, signal });
        const [twin] = instances;
        if (twin === undefined || twin.status === "deleting") throw error;
        if (twin.mark !== uid)
          throw new TerminalError("InvalidConfiguration", `the name ${name} belongs to someone else`);
        return toInstance(twin);
      }
    },

    async cleanup({ client, recorded, uid, signal }) {
      const found = recorded === undefined ? [] : await byId(client, recorded.id, signal);
      const remaining = found.length > 0 ? found : await marked(client, uid, signal);
      for (const { id, status } of remaining) {
        if (status === "deleting") continue;
        await client.delete(`/instances/${id}`, { signal }).catch((error: unknown) => {
          if (!isProviderError(error, "InstanceNotFound")) throw error;
        });
      }
      return remaining.length === 0;
    },
  });
}

async function byId(client: CloudClient, id: string, signal: AbortSignal): Promise<PlainInstance[]> {
  try {
    return [(await client.get<{ instance: PlainInstance }>(`/instances/${id}`, { signal })).instance];
  } catch (error) {
    if (isProviderError(error, "InstanceNotFound")) return [];
    throw error;
  }
}

async function marked(client: CloudClient, mark: string, signal: AbortSignal): Promise<PlainInstance[]> {
  const { instances } = await client.get<{ instances: PlainInstance[] }>("/instances", { query: { mark }, signal });
  // One that is being deleted is the answer only where there is no other.
  return instances
    .filter((instance) => instance.mark === mark)
    .toSorted((one, other) => Number(one.status === "deleting") - Number(other.status === "deleting"));
}

const toInstance = ({ id, name, mark, cluster, address, status }: PlainInstance): Instance => ({
  id,
  name,
  machineUid: mark,
  clusterUid: cluster,
  addresses: [{ type: "InternalIP", address }],
  status,
});

const NAME_TAKEN = "name_taken";
const isNameTaken = (error: ProviderError): boolean =>
  (error.cause as { code?: string } | undefined)?.code === NAME_TAKEN;

function classify(title: string, { status, body, method, path }: ErrorAnswer): ProviderError | undefined {
  const code = (body as { code?: string } | undefined)?.code;
  const message = `${title} refused ${method} ${path} with ${code}`;
  const cause = { code };
  if (status === 404 && code === "not_found") return new InstanceNotFoundError(path, { cause });
  if (code === NAME_TAKEN) return new ProviderError("Unavailable", message, { cause });
  if (code === "quota" || code === "sold_out") return new ProviderError("InsufficientResources", message, { cause });
  return undefined;
}
