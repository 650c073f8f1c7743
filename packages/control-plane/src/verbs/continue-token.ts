/** Where a list that comes in pages goes on: the revision it is of, and the last object that was given out. */
import { isJsonObject } from "../object.ts";
import { goJsonProblem } from "../schema/go-json-problem.ts";
import { badRequest, StatusError } from "../status-error.ts";

export type ContinueToken = {
  /** `undefined`: whatever is there now. */
  at: number | undefined;
  after: { namespace: string; name: string };
};

const VERSION = "meta.k8s.io/v1";
const INVALID = "invalid continue token: continue key is not valid";

/** `namespace`: that of the list, or none. */
export function formatToken({ at, after }: ContinueToken, namespace: string): string {
  const key = namespace === "" && after.namespace !== "" ? `${after.namespace}/${after.name}` : after.name;
  return Buffer.from(JSON.stringify({ v: VERSION, rv: at ?? -1, start: `${key}\0` })).toString("base64url");
}

/** Throws BadRequest for what is no token of a list of this namespace. */
export function parseToken(token: string, namespace: string): ContinueToken {
  const stray = token.search(/[^\w-]/);
  if (stray >= 0) throw badRequest(`${INVALID}: illegal base64 data at input byte ${stray}`);
  const { v, rv, start } = readToken(Buffer.from(token, "base64url").toString("latin1"));
  if (v !== VERSION) throw badRequest(`${INVALID}: server does not recognize this encoded version ${v}`);
  if (rv === 0) throw badRequest(`${INVALID}: incorrect encoded start resourceVersion (version ${VERSION})`);
  if (start === "") throw badRequest(`${INVALID}: encoded start key empty (version ${VERSION})`);
  const parts = start.replace(/^\//, "").replace(/\0$/, "").split("/");
  if (parts.some((part) => ["", ".", ".."].includes(part))) throw badRequest(`${INVALID}: ${start}`);
  const name = parts.pop() ?? "";
  return { at: rv < 0 ? undefined : rv, after: { namespace: parts[0] ?? namespace, name } };
}

function readToken(text: string): { v: string; rv: number; start: string } {
  try {
    const value: unknown = JSON.parse(text);
    const { v = "", rv = 0, start = "" } = isJsonObject(value) ? value : {};
    if (Array.isArray(value))
      throw badRequest(`${INVALID}: json: cannot unmarshal array into Go value of type storage.continueToken`);
    if (typeof v === "string" && typeof start === "string" && Number.isSafeInteger(rv))
      return { v, rv: rv as number, start };
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest(`${INVALID}: ${goJsonProblem(text) ?? ""}`, error);
  }
  throw badRequest(INVALID);
}

/** The list's revision is forgotten; the token that the answer brings goes on with what is there now. */
export function expiredToken({ after }: ContinueToken, namespace: string): StatusError {
  return new StatusError(
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    { continueToken: formatToken({ at: undefined, after }, namespace) },
  );
}
