/** Lists as the vendor sends them: filtered by query, sorted, in pages of at most 50. */
import { invalidInput } from "./errors.ts";
import { parseLabelSelector, type Labels } from "./label-selector.ts";

export type ListingOptions<T> = {
  /** The key of the list in the answer. */
  key: string;
  url: URL;
  items: Iterable<T>;
  view: (item: T) => object;
  /** Fields that `sort` accepts. */
  sortable?: readonly (keyof T & string)[];
  /** Further query parameters, each with the values of the item that match. May be given many times in a query. */
  filters?: Record<string, (item: T) => string | undefined>;
  /** What the answer holds beside list and pagination. */
  extra?: object;
};

const DEFAULT_PER_PAGE = 25;
const MAX_PER_PAGE = 50;

export function listResponse<T>(options: ListingOptions<T>): Response {
  const { key, url, view } = options;
  const query = url.searchParams;
  const filters = Object.entries(options.filters ?? {}).filter(([name]) => query.has(name));
  const matching = [...options.items].filter((item) =>
    filters.every(([name, valueOf]) => query.getAll(name).includes(valueOf(item) ?? "")),
  );
  const sorted = sort(matching, query.getAll("sort"), options.sortable ?? []);
  const page = positive(query, "page", 1);
  const perPage = Math.min(positive(query, "per_page", DEFAULT_PER_PAGE), MAX_PER_PAGE);
  const lastPage = Math.max(1, Math.ceil(sorted.length / perPage));
  const pagination = {
    page,
    per_page: perPage,
    previous_page: page > 1 ? page - 1 : null,
    next_page: page < lastPage ? page + 1 : null,
    last_page: lastPage,
    total_entries: sorted.length,
  };
  const link = (rel: string, to: number | null): string[] => {
    if (to === null) return [];
    const target = new URL(url);
    target.searchParams.set("page", String(to));
    return [`<${target.href}>; rel="${rel}"`];
  };
  const links = [
    ...link("prev", pagination.previous_page),
    ...link("next", pagination.next_page),
    ...link("last", pagination.last_page),
  ];
  return Response.json(
    { [key]: sorted.slice((page - 1) * perPage, page * perPage).map(view), meta: { pagination }, ...options.extra },
    { headers: { link: links.join(", ") } },
  );
}

/** Filters that every named and labelled resource has. */
export function bySelector<T extends { labels: Labels }>(items: Iterable<T>, url: URL): Iterable<T> {
  const selector = url.searchParams.get("label_selector");
  if (selector === null) return items;
  const matches = parseLabelSelector(selector);
  return [...items].filter(({ labels }) => matches(labels));
}

function sort<T>(items: T[], orders: string[], sortable: readonly (keyof T & string)[]): T[] {
  const keys = orders.map((order) => {
    const [field, direction = "asc"] = order.split(":");
    const known = sortable.find((name) => name === field);
    if (known === undefined || !/^(asc|desc)$/.test(direction)) {
      throw invalidInput({ name: "sort", message: `'${order}' is not supported` });
    }
    return { field: known, sign: direction === "asc" ? 1 : -1 };
  });
  if (keys.length === 0) return items;
  return items.sort((a, b) => {
    for (const { field, sign } of keys) {
      if (a[field] !== b[field]) return a[field] < b[field] ? -sign : sign;
    }
    return 0;
  });
}

function positive(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw invalidInput({ name, message: "must be a positive integer" });
  return Number(text);
}
