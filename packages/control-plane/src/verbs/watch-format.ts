/** Watch events as lines: which event a change is for this watcher, and how its object is shown. */
import { negotiate } from "../http/negotiate.ts";
import { toApiVersion } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { fromStored, isServedAsKept } from "../registry/conversion.ts";
import type { Resource } from "../registry/resource.ts";
import type { StatusError } from "../status-error.ts";
import type { Change } from "../storage/storage.ts";
import { columnDefinitions, toPartialMetadata, toRow, toTable } from "../table/table.ts";
import type { Context } from "./context.ts";
import { includeObject } from "./render.ts";
import { selectionOf } from "./selection.ts";

export type WatchFormat = {
  /** `undefined`: not an event for this watcher. */
  change(change: Change): string | Uint8Array | undefined;
  initial(): Iterable<string>;
  bookmark(revision: number, options?: { initialEventsEnd: true }): string;
  error(error: StatusError): string;
};

type Type = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

/** What all watchers of a change have in common is made once; nobody changes it, and it goes with the change. */
const LINES = new WeakMap<Change, Uint8Array>();
const STATES = new WeakMap<Change, WeakMap<Resource, { object: KubeObject; previous: KubeObject | undefined }>>();

const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

export function createWatchFormat(context: Context): WatchFormat {
  const { resource, server, namespace } = context;
  const selection = selectionOf(context);
  const show = createView(context);
  const isPlain = negotiate(context.headers.get("accept")).as === "";

  const showStored = (type: Type, stored: { json: string; revision: number }): string =>
    isPlain && isServedAsKept(stored, resource)
      ? `{"type":"${type}","object":${stored.json}}\n`
      : toLine(type, show(fromStored(stored, resource)));

  return {
    change(change) {
      if (selection.isAll) {
        return isPlain && isServedAsKept(change, resource)
          ? once(LINES, change, () => Buffer.from(showStored(change.type, change)))
          : showStored(change.type, change);
      }
      const { object, previous } = once(
        once(STATES, change, () => new WeakMap()),
        resource,
        () => {
          const before = { json: change.previous ?? "null", revision: change.revision };
          return {
            object: fromStored(change, resource),
            previous: change.previous === undefined ? undefined : fromStored(before, resource),
          };
        },
      );
      const isSelected = change.type !== "DELETED" && selection.selects(object);
      const wasSelected = previous !== undefined && selection.selects(previous);
      if (isSelected) return toLine(wasSelected ? "MODIFIED" : "ADDED", show(object));
      if (!wasSelected) return undefined;
      const metadata = { ...previous.metadata, resourceVersion: String(change.revision) };
      return toLine("DELETED", show({ ...previous, metadata }));
    },
    *initial() {
      const isLazy = selection.isAll;
      const query = { resource: resource.storage, isLazy, ...(namespace === "" ? {} : { namespace }) };
      for (const stored of server.storage.list(query)) {
        if (selection.isAll || selection.selects(fromStored(stored, resource))) yield showStored("ADDED", stored);
      }
    },
    bookmark(revision, options) {
      const metadata = {
        resourceVersion: String(revision),
        ...(options === undefined ? {} : { annotations: { [INITIAL_EVENTS_END]: "true" } }),
      };
      const object = { apiVersion: toApiVersion(resource.group, resource.version), kind: resource.kind, metadata };
      return toLine("BOOKMARK", isPlain ? object : show(object as unknown as KubeObject));
    },
    error: (error) => toLine("ERROR", error.toStatus()),
  };
}

function once<K extends object, V>(known: WeakMap<K, V>, key: K, make: () => V): V {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}

function toLine(type: Type, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function createView(context: Context): (object: KubeObject) => unknown {
  const { as, version } = negotiate(context.headers.get("accept"));
  const { resource, server } = context;
  const apiVersion = `meta.k8s.io/${version}`;
  if (as === "Table") {
    const include = includeObject(context.query);
    let columns: JsonObject[] | null = columnDefinitions(resource);
    return (object) => {
      const row = toRow(object, { resource, now: server.clock.now(), include, apiVersion });
      const metadata = { resourceVersion: object.metadata.resourceVersion };
      const table = toTable(columns, { metadata, rows: [row], apiVersion });
      // Only the first table of a watch carries the columns.
      columns = null;
      return table;
    };
  }
  if (as === "PartialObjectMetadata") return (object) => toPartialMetadata(object, apiVersion);
  return (object) => object;
}
