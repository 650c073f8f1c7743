/** What a spec names, found in the cloud: server type, location, image, networks, firewalls. */
import { nearestName } from "@machine-controller/provider";
import type { Cloud, Collection, Item } from "./cloud.ts";
import { type Config, invalid, locationOf } from "./fields.ts";
import type { SharedLookups } from "./shared-lookups.ts";

export type Choice = {
  serverType: Item<"server_types">;
  location: Item<"locations"> | undefined;
  image: Item<"images">;
  networks: Item<"networks">[];
  firewalls: Item<"firewalls">[];
};

type Catalogue = { cloud: Cloud; lookups: SharedLookups };
type Call = { signal: AbortSignal };
type Sought = { collection: Collection; field: string; text: string; filter?: Record<string, string | boolean> };

const NOUNS: Readonly<Partial<Record<Collection, string>>> = {
  server_types: "a server type of Hetzner Cloud",
  locations: "a location of Hetzner Cloud",
  images: "an image",
  networks: "a network of this project",
  firewalls: "a firewall of this project",
};

/** Names shown where none is near. */
const MAX_LISTED = 30;

/** @throws TerminalError naming the field, its value and the nearest name where it does not exist. */
async function find<C extends Collection>(
  { cloud, lookups }: Catalogue,
  sought: Sought & { collection: C },
  call: Call,
): Promise<Item<C>> {
  const { collection, text, filter } = sought;
  const look = ({ signal }: Call) => cloud.find(collection, text, { ...(filter && { filter }), signal });
  const found = await lookups.get(JSON.stringify([collection, text, filter]), look, call);
  if (found !== undefined) return found;
  throw missing(sought, await cloud.list(collection, filter ?? {}, call));
}

/** @throws TerminalError where there is none of the name. */
export const serverTypeOf = (
  catalogue: Catalogue,
  { serverType }: Pick<Config, "serverType">,
  call: Call,
): Promise<Item<"server_types">> =>
  find(catalogue, { collection: "server_types", field: "serverType", text: serverType }, call);

/** @throws TerminalError naming the field, its value and the nearest name where something does not exist. */
export async function choose(
  catalogue: Catalogue,
  { config, image }: { config: Config; image: string },
  call: Call,
): Promise<Choice> {
  const findAll = <C extends Collection>(collection: C, names: readonly string[]): Promise<Item<C>[]> =>
    Promise.all(
      names.map((text, index) => find(catalogue, { collection, field: `${collection}[${index}]`, text }, call)),
    );

  const place = locationOf(config);
  const [serverType, location, networks, firewalls] = await Promise.all([
    serverTypeOf(catalogue, config, call),
    place === "" ? undefined : find(catalogue, { collection: "locations", field: "location", text: place }, call),
    findAll("networks", config.networks),
    findAll("firewalls", config.firewalls),
  ]);
  if (location !== undefined && !serverType.locations.some(({ name }) => name === location.name)) {
    const offered = serverType.locations.map(({ name }) => name).join(", ");
    throw invalid("location", `"${place}" does not offer server type ${serverType.name}; use one of ${offered}`);
  }
  const { architecture } = serverType;
  const filter = { architecture, include_deprecated: true };
  const found = await find(catalogue, { collection: "images", field: "image", text: image, filter }, call);
  if (found.architecture !== architecture) {
    throw invalid("image", `"${image}" is for ${found.architecture} and ${serverType.name} is ${architecture}`);
  }
  return { serverType, location, image: found, networks, firewalls };
}

/** Items with a name; deprecated ones are not what a person should be led to. */
type Offered = { name?: string | null; deprecated?: boolean | null };

function missing({ collection, field, text, filter }: Sought, items: readonly Offered[]): Error {
  const names = items.flatMap(({ name, deprecated }) => (name && !deprecated ? [name] : []));
  const nearest = nearestName(text, names);
  const listed = names.slice(0, MAX_LISTED).join(", ") + (names.length > MAX_LISTED ? ", …" : "");
  const remedy = nearest ? `did you mean "${nearest}"?` : listed ? `use one of ${listed}` : "there are none";
  const noun = `${NOUNS[collection]}${filter ? ` for ${String(filter["architecture"])}` : ""}`;
  return invalid(field, `"${text}" is not ${noun}; ${remedy}`);
}
