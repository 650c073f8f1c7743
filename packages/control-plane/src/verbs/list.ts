/** Lists, in pages of one snapshot if asked for. */
import { respondPieces, respondText } from "../http/respond.ts";
import { toApiVersion } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { fromStored, isServedAsKept } from "../registry/conversion.ts";
import type { Resource } from "../registry/resource.ts";
import { badRequest, StatusError } from "../status-error.ts";
import type { Stored } from "../storage/storage.ts";
import type { Context } from "./context.ts";
import { expiredToken, formatToken, parseToken } from "./continue-token.ts";
import type { ContinueToken } from "./continue-token.ts";
import { checkListOptions } from "./list-options.ts";
import { renderList } from "./render.ts";
import { integerOption, parseResourceVersion, tooLarge } from "./resource-version.ts";
import { selectionOf } from "./selection.ts";
import type { Selection } from "./selection.ts";

type Page = { items: Stored[]; revision: number; next?: string; remaining?: number };
type ListText = { head: string; textOf: (item: Stored) => string };

/** Rows read from the store at once while a selector thins them out. */
const CHUNK = 500;
/** Items up to which a list is written as one text; a longer one in pieces. */
const MOST_AT_ONCE = 500;
/** More than there can be; what is asked for beyond may be no number to SQLite. */
const MOST_ITEMS = 2 ** 31;
const PIECE_LENGTH = 64 * 1024;

export async function listObjects(context: Context): Promise<Response> {
  const { resource } = context;
  const page = readPage(context);
  const metadata: JsonObject = { resourceVersion: String(page.revision) };
  if (page.next !== undefined) metadata["continue"] = page.next;
  if (page.remaining !== undefined) metadata["remainingItemCount"] = page.remaining;
  const objects = page.items.values().map((item) => fromStored(item, resource));
  const rendered = renderList(context, { metadata, objects });
  if (rendered !== undefined) return rendered;
  const apiVersion = toApiVersion(resource.group, resource.version);
  const textOf = ({ json, revision }: Stored): string => {
    const isAsKept = isServedAsKept({ json, revision }, resource);
    return inList(isAsKept ? json : JSON.stringify(fromStored({ json, revision }, resource)), resource);
  };
  const head = `${JSON.stringify({ kind: resource.listKind, apiVersion, metadata }).slice(0, -1)},"items":[`;
  if (page.items.length > MOST_AT_ONCE) return respondPieces(listPieces(page.items, { head, textOf }));
  return respondText(`${head}${page.items.map(textOf).join(",")}]}`);
}

/** In small pieces, so that little of a long list is in memory at a time. */
function* listPieces(items: Stored[], { head, textOf }: ListText): Iterable<string> {
  let piece = head;
  for (const [index, item] of items.entries()) {
    piece += index === 0 ? textOf(item) : `,${textOf(item)}`;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}]}\n`;
}

/** Items of built-in kinds do not repeat the kind, which stored text begins with. */
function inList(json: string, { custom, group, version, kind }: Resource): string {
  const head = `{"apiVersion":"${toApiVersion(group, version)}","kind":"${kind}",`;
  return custom || !json.startsWith(head) ? json : `{${json.slice(head.length)}`;
}

function readPage(context: Context): Page {
  const { server, query, namespace } = context;
  const { storage } = server;
  const selection = selectionOf(context);
  const version = query.get("resourceVersion") ?? "";
  checkListOptions(query);
  integerOption(query, "timeoutSeconds");
  // Whom any state will do gets it whole.
  const limit = version === "0" ? 0 : Math.min(MOST_ITEMS, Math.max(0, integerOption(query, "limit") ?? 0));
  const token = query.get("continue") ?? "";
  if (token !== "") {
    if (!["", "0"].includes(version)) {
      throw badRequest("specifying resource version is not allowed when using continue");
    }
    const parsed = parseToken(token, namespace);
    const { at = storage.revision, after } = parsed;
    if (at > storage.revision) throw tooLarge(at, storage.revision);
    if (at < storage.compacted) throw expiredToken(parsed, namespace);
    return takePage(context, { at, after, limit, selection });
  }
  const wanted = parseResourceVersion(version, (why) => badRequest(`invalid resource version: ${why}`));
  if (wanted === undefined) return takePage(context, { at: storage.revision, limit, selection });
  if (wanted > storage.revision) throw tooLarge(wanted, storage.revision);
  if (query.get("resourceVersionMatch") !== "Exact")
    return takePage(context, { at: storage.revision, limit, selection });
  if (wanted < storage.compacted)
    throw new StatusError("Expired", "The resourceVersion for the provided list is too old.");
  return takePage(context, { at: wanted, limit, selection });
}

function takePage(
  context: Context,
  options: { at: number; after?: ContinueToken["after"]; limit: number; selection: Selection },
): Page {
  const { resource, server, namespace } = context;
  const { at, limit, selection } = options;
  const isLazy = selection.isAll;
  const query = { resource: resource.storage, at, isLazy, ...(namespace === "" ? {} : { namespace }) };
  const items: Stored[] = [];
  let after = options.after;
  for (;;) {
    const wanted = limit === 0 ? -1 : selection.isAll ? limit + 1 : CHUNK;
    const rows = server.storage.list({ ...query, limit: wanted, ...(after === undefined ? {} : { after }) });
    for (const row of rows) {
      if (!selection.isAll && !selection.selects(fromStored(row, resource))) continue;
      if (limit > 0 && items.length === limit) {
        const last = items.at(-1);
        if (last === undefined) break;
        const next = formatToken({ at, after: { namespace: last.namespace, name: last.name } }, namespace);
        return {
          items,
          revision: at,
          next,
          ...(selection.isAll ? { remaining: remainingAfter(context, at, last) } : {}),
        };
      }
      items.push(row);
    }
    const last = rows.at(-1);
    if (last === undefined || limit === 0 || rows.length < wanted) return { items, revision: at };
    after = { namespace: last.namespace, name: last.name };
  }
}

function remainingAfter(context: Context, at: number, last: Stored): number {
  const { resource, server, namespace } = context;
  const after = { namespace: last.namespace, name: last.name };
  const query = { resource: resource.storage, at, after, isLazy: true, ...(namespace === "" ? {} : { namespace }) };
  return server.storage.list(query).length;
}
