/** Lists, in pages of one snapshot if asked for. */
import { respondPieces, respondText } from "../http/respond.ts";
import { isJsonObject, toApiVersion } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { fromStored, isServedAsKept } from "../registry/conversion.ts";
import type { Resource } from "../registry/resource.ts";
import { goJsonProblem } from "../schema/go-json-problem.ts";
import { badRequest, invalid, StatusError } from "../status-error.ts";
import type { StatusCause } from "../status-error.ts";
import type { Stored } from "../storage/storage.ts";
import type { Context } from "./context.ts";
import { renderList } from "./render.ts";
import { expired, integerOption, parseResourceVersion, tooLarge } from "./resource-version.ts";
import { selectionOf } from "./selection.ts";
import type { Selection } from "./selection.ts";

type Page = { items: Stored[]; revision: number; next?: string; remaining?: number };
type ListText = { head: string; textOf: (item: Stored) => string };
type Token = { at: number; after: { namespace: string; name: string } };

const INVALID_TOKEN = "invalid continue token: continue key is not valid";

/** Rows read from the store at once while a selector thins them out. */
const CHUNK = 500;
/** Items up to which a list is written as one text; a longer one in pieces. */
const MOST_AT_ONCE = 500;
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
  const { server, query } = context;
  const { storage } = server;
  const selection = selectionOf(context);
  const limit = Math.max(0, integerOption(query, "limit") ?? 0);
  const token = query.get("continue");
  if (token !== null && token !== "") {
    if (!["", "0"].includes(query.get("resourceVersion") ?? "")) {
      throw badRequest("specifying resource version is not allowed when using continue");
    }
    const { at, after } = parseToken(token);
    checkSnapshot(at, context, "continue");
    return takePage(context, { at, after, limit, selection });
  }
  const wanted = parseResourceVersion(query.get("resourceVersion"), (why) =>
    badRequest(`invalid resource version: ${why}`),
  );
  const match = query.get("resourceVersionMatch");
  checkMatch(match, wanted);
  if (wanted !== undefined && wanted > storage.revision) throw tooLarge(wanted, storage.revision);
  const exact = match === "Exact" && wanted !== undefined ? wanted : undefined;
  if (exact !== undefined) checkSnapshot(exact, context, "list");
  return takePage(context, { at: exact ?? storage.revision, limit, selection });
}

function takePage(
  context: Context,
  options: { at: number; after?: Token["after"]; limit: number; selection: Selection },
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
        const next = formatToken({ at, after: { namespace: last.namespace, name: last.name } });
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

function checkMatch(match: string | null, wanted: number | undefined): void {
  const forbidden = (why: string): StatusError =>
    listOption({ reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field: "resourceVersionMatch" });
  if (match === null || match === "") return;
  if (match !== "Exact" && match !== "NotOlderThan") {
    throw listOption({
      reason: "FieldValueNotSupported",
      message: `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
      field: "resourceVersionMatch",
    });
  }
  if (wanted === undefined) throw forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (match === "Exact" && wanted === 0)
    throw forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
}

function listOption(cause: StatusCause): StatusError {
  return invalid({ group: "meta.k8s.io", plural: "ListOptions", kind: "ListOptions" }, "", [cause]);
}

function checkSnapshot(at: number, context: Context, origin: "list" | "continue"): void {
  const { storage } = context.server;
  if (at > storage.revision) throw tooLarge(at, storage.revision);
  if (at >= storage.compacted) return;
  if (origin === "list") throw expired(at, storage.compacted);
  throw new StatusError(
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
  );
}

function formatToken(token: Token): string {
  return Buffer.from(
    JSON.stringify({ v: "1", rv: token.at, ns: token.after.namespace, name: token.after.name }),
  ).toString("base64url");
}

function parseToken(token: string): Token {
  const text = Buffer.from(token, "base64url").toString("latin1");
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value) && Number.isSafeInteger(value["rv"])) {
      return { at: value["rv"] as number, after: { namespace: String(value["ns"]), name: String(value["name"]) } };
    }
  } catch (error) {
    throw badRequest(`${INVALID_TOKEN}: ${goJsonProblem(text) ?? ""}`, error);
  }
  throw badRequest(INVALID_TOKEN);
}
