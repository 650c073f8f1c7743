/** The part of the Hetzner Cloud API that is used here, typed. One call is one request, but for lists: those are whole. */
import { type Connection, createCloudClient, isProviderError, ProviderError } from "@machine-controller/provider";
import { classify } from "./errors.ts";
import type { credential } from "./fields.ts";
import type { Server } from "./server.ts";

export type Named = { id: number; name: string };
export type Labelled = Named & { labels: Readonly<Record<string, string>> };
export type Architecture = "x86" | "arm";

/** What each collection holds; of every resource the fields read here. */
type Collections = {
  servers: Server;
  server_types: Named & {
    architecture: Architecture;
    cores: number;
    /** GB, as sold; in truth GiB. */
    memory: number;
    /** GB */
    disk: number;
    locations: readonly { name: string }[];
    deprecated?: boolean | null;
  };
  locations: Named;
  images: { id: number; name: string | null; architecture: Architecture };
  networks: Named;
  firewalls: Named;
  ssh_keys: Labelled;
  placement_groups: Labelled & { servers: readonly number[] };
};
export type Collection = keyof Collections;
export type Item<C extends Collection> = Collections[C];
export type PlacementGroup = Item<"placement_groups">;

export type CreateServer = {
  name: string;
  server_type: string;
  image: string;
  location?: string;
  ssh_keys: string[];
  user_data: string;
  labels: Record<string, string>;
  networks: number[];
  firewalls: { firewall: number }[];
  placement_group?: number;
  public_net: { enable_ipv4: boolean; enable_ipv6: boolean };
};
type Bodies = {
  servers: CreateServer;
  ssh_keys: { name: string; public_key: string; labels: Record<string, string> };
  placement_groups: { name: string; type: "spread"; labels: Record<string, string> };
};

type Page<C extends Collection> = Partial<Record<C, Item<C>[]>> & {
  meta?: { pagination?: { page: number; next_page: number | null } };
};
type Call = { signal: AbortSignal };
type Filter = Record<string, string | boolean | number>;

const TITLE = "Hetzner Cloud";
/** The most that the API gives at once. */
const PAGE_SIZE = 50;
const VERSION = "0.1.0";

export type Cloud = ReturnType<typeof createCloud>;

export function createCloud(connection: Connection<typeof credential>) {
  const { clock, fetch, endpoint } = connection;
  const http = createCloudClient({
    title: TITLE,
    baseUrl: endpoint,
    headers: {
      authorization: `Bearer ${connection.credential.token}`,
      "user-agent": `machine-controller/${VERSION}`,
    },
    fetch,
    clock,
    classify: (answer) => classify(answer, clock.now()),
  });

  /** All pages. @throws ProviderError where one is missing or is not a page. */
  async function list<C extends Collection>(collection: C, filter: Filter, { signal }: Call): Promise<Item<C>[]> {
    const items: Item<C>[] = [];
    for (let page: number | null = 1; page !== null;) {
      const query: Filter = { ...filter, page, per_page: PAGE_SIZE };
      const answer: Page<C> | undefined = await http.get(`/${collection}`, { query, signal });
      const found = answer?.[collection];
      const next: number | null | undefined = answer?.meta?.pagination?.next_page;
      if (!Array.isArray(found) || next === undefined || (next !== null && next <= page)) {
        throw new ProviderError(
          "Unavailable",
          `${TITLE} answered GET /${collection} with something that is not a page`,
        );
      }
      items.push(...found);
      page = next;
    }
    return items;
  }

  /** @throws InstanceNotFoundError where there is none of the ID. */
  async function get<C extends Collection>(collection: C, id: string, { signal }: Call): Promise<Item<C>> {
    const path = `/${collection}/${encodeURIComponent(id)}`;
    return only(collection, await http.get(path, { signal }), { code: "Unavailable", did: `GET ${path}` });
  }

  return {
    list,
    get,

    /** By ID if the text is a number, else or otherwise by name; undefined if there is none. */
    async find<C extends Collection>(
      collection: C,
      nameOrId: string,
      { filter, signal }: Call & { filter?: Filter },
    ): Promise<Item<C> | undefined> {
      if (nameOrId === "") return undefined;
      if (/^\d+$/.test(nameOrId)) {
        try {
          return await get(collection, nameOrId, { signal });
        } catch (error) {
          if (!isProviderError(error, "InstanceNotFound")) throw error;
        }
      }
      const [found] = await list(collection, { ...filter, name: nameOrId }, { signal });
      return found;
    },

    async create<C extends keyof Bodies>(collection: C, body: Bodies[C], { signal }: Call): Promise<Item<C>> {
      const path = `/${collection}`;
      return only(collection, await http.post(path, { body, signal }), { code: "UnknownOutcome", did: `POST ${path}` });
    },

    /** Replaces all labels. */
    async setServerLabels(id: number, labels: Record<string, string>, { signal }: Call): Promise<void> {
      await http.put(`/servers/${id}`, { body: { labels }, signal });
    },

    /** Asks for deletion. @throws InstanceNotFoundError where there is none of the ID. */
    async delete(collection: "servers" | "placement_groups", id: number, { signal }: Call): Promise<void> {
      await http.delete(`/${collection}/${id}`, { signal });
    },
  };
}

/** The one resource of an answer, under the singular of its collection's name. */
function only<C extends Collection>(
  collection: C,
  answer: unknown,
  { code, did }: { code: "Unavailable" | "UnknownOutcome"; did: string },
): Item<C> {
  const item = (answer as Record<string, Item<C>> | undefined)?.[collection.slice(0, -1)];
  if (typeof item?.id === "number") return item;
  throw new ProviderError(code, `${TITLE} answered ${did} with something that is not a resource`);
}
