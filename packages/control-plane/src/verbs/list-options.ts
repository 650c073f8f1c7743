/** Which options of lists and watches go together. */
import { invalidOptions } from "../status-error.ts";
import type { StatusCause } from "../status-error.ts";

/** Throws Invalid for options of a list that exclude each other. */
export function checkListOptions(query: URLSearchParams): void {
  const match = query.get("resourceVersionMatch") ?? "";
  const version = query.get("resourceVersion") ?? "";
  const isKnown = ["", "Exact", "NotOlderThan"].includes(match);
  refuse([
    match !== "" && version === "" && forbidden("is forbidden unless resourceVersion is provided"),
    match !== "" && isContinued(query) && CONTINUED,
    !isKnown && unsupported(match, ["Exact", "NotOlderThan", ""]),
    match === "Exact" && version === "0" && forbidden('"exact" is forbidden for resourceVersion "0"'),
    query.has("sendInitialEvents") && {
      reason: "FieldValueForbidden",
      message: "Forbidden: sendInitialEvents is forbidden for list",
      field: "sendInitialEvents",
    },
  ]);
}

/** The same for a watch. */
export function checkWatchOptions(query: URLSearchParams): void {
  const match = query.get("resourceVersionMatch") ?? "";
  const isInitial = query.has("sendInitialEvents");
  refuse([
    isInitial &&
      match !== "NotOlderThan" && {
        reason: "FieldValueForbidden",
        message: "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        field: FIELD,
      },
    match !== "" && !isInitial && forbidden("is forbidden for watch unless sendInitialEvents is provided"),
    !["", "NotOlderThan"].includes(match) && unsupported(match, ["NotOlderThan"]),
    match !== "" && isContinued(query) && CONTINUED,
  ]);
}

const FIELD = "resourceVersionMatch";
const CONTINUED = forbidden("is forbidden when continue is provided");

function forbidden(why: string): StatusCause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${FIELD} ${why}`, field: FIELD };
}

function unsupported(match: string, supported: readonly string[]): StatusCause {
  const values = supported.map((value) => JSON.stringify(value)).join(", ");
  const message = `Unsupported value: ${JSON.stringify(match)}: supported values: ${values}`;
  return { reason: "FieldValueNotSupported", message, field: FIELD };
}

function isContinued(query: URLSearchParams): boolean {
  return (query.get("continue") ?? "") !== "";
}

function refuse(causes: readonly (StatusCause | false)[]): void {
  const broken = causes.filter((cause) => cause !== false);
  if (broken.length > 0) throw invalidOptions("ListOptions", broken);
}
