/** `/server_types`, `/images`, `/locations`, `/datacenters`: the same for every project. */
import { Hono } from "hono";
import { notFound } from "../errors.ts";
import { listResponse, type ListingOptions } from "../listing.ts";
import type { ProjectEnv } from "../project.ts";
import { imageView, IMAGES } from "./images.ts";
import { DATACENTERS, LOCATIONS } from "./locations.ts";
import { SERVER_TYPES } from "./server-types.ts";

/** The data center that the vendor recommends for new resources. */
const RECOMMENDED = DATACENTERS[0]?.id;

export function catalogRoutes(): Hono<ProjectEnv> {
  const sortable = ["id", "name"] as const;
  return new Hono<ProjectEnv>()
    .route("/server_types", readOnly({ keys: ["server_type", "server_types"], items: SERVER_TYPES }))
    .route("/locations", readOnly({ keys: ["location", "locations"], items: LOCATIONS, sortable }))
    .route(
      "/datacenters",
      readOnly({
        keys: ["datacenter", "datacenters"],
        items: DATACENTERS,
        sortable,
        extra: { recommendation: RECOMMENDED },
      }),
    )
    .route(
      "/images",
      readOnly({
        keys: ["image", "images"],
        items: IMAGES,
        select: (items, query) =>
          query.get("include_deprecated") === "true" ? items : items.filter(({ deprecated }) => deprecated === null),
        view: imageView,
        sortable: ["id", "name", "created"],
        filters: {
          type: ({ type }) => type,
          status: ({ status }) => status,
          architecture: ({ architecture }) => architecture,
        },
      }),
    );
}

type ReadOnly<T> = Pick<ListingOptions<T>, "sortable" | "filters" | "extra"> & {
  keys: [one: string, many: string];
  items: readonly T[];
  view?: (item: T) => object;
  /** What a list shows unless asked for more. */
  select?: (items: readonly T[], query: URLSearchParams) => readonly T[];
};

function readOnly<T extends { id: number; name: string }>(options: ReadOnly<T>): Hono<ProjectEnv> {
  const { keys, items, view = (item) => item, select = (all) => all, sortable = [] } = options;
  const [one, many] = keys;
  return new Hono<ProjectEnv>()
    .get("/", (c) => {
      const url = new URL(c.req.url);
      return listResponse({
        key: many,
        url,
        items: select(items, url.searchParams),
        view,
        sortable,
        filters: { name: ({ name }) => name, ...options.filters },
        ...(options.extra !== undefined && { extra: options.extra }),
      });
    })
    .get("/:id{[0-9]+}", (c) => {
      const id = c.req.param("id");
      const item = items.find((candidate) => String(candidate.id) === id);
      if (item === undefined) throw notFound(one, id);
      return c.json({ [one]: view(item) });
    });
}
