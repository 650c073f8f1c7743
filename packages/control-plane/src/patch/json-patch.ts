/**
 * JSON Patch (RFC 6902) as the API server's library carries it out: it takes more than the standard does. What is not there
 * reads as null, so that it can be replaced, copied and tested for null; a negative index counts from the end.
 */
import { isEqual, isJsonObject, textOf } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { goTypeName } from "../schema/go-decoding.ts";
import { badRequest, StatusError } from "../status-error.ts";

const MAX_OPERATIONS = 10_000;
const TEXTS = ["op", "path", "from"];

/** Returns a patched copy. Throws BadRequest for a malformed patch, Invalid for one that does not fit the object. */
export function applyJsonPatch(target: JsonObject, patch: unknown): unknown {
  const operations = readOperations(patch);
  if (operations.length > MAX_OPERATIONS) {
    const limit = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${operations.length}`;
    throw new StatusError("RequestEntityTooLarge", `Request entity too large: ${limit}`);
  }
  return operations.reduce<unknown>(applyOperation, structuredClone(target));
}

/** Null does nothing, in place of a list and of an operation's field. */
function readOperations(patch: unknown): JsonObject[] {
  if (patch === null) return [];
  if (!Array.isArray(patch)) throw undecodable(patch, "value of type []handlers.jsonPatchOp");
  return patch.map((operation: unknown) => {
    if (operation === null) return {};
    if (!isJsonObject(operation)) throw undecodable(operation, "value of type handlers.jsonPatchOp");
    const odd = TEXTS.find((field) => operation[field] != null && typeof operation[field] !== "string");
    if (odd !== undefined) throw undecodable(operation[odd], `struct field jsonPatchOp.${odd} of type string`);
    return operation;
  });
}

function applyOperation(root: unknown, { op, path, from, value = null }: JsonObject): unknown {
  if (path === "" && op === "replace") return value;
  if (path === "" && op === "test" && isEqual(root, value)) return root;
  const to = placeOf(root, path);
  switch (op) {
    case "add":
      add(to, value);
      break;
    case "remove":
      remove(to);
      break;
    case "replace":
      read(to);
      write(to, value);
      break;
    case "test":
      if (!isEqual(read(to) ?? null, value)) throw unfit();
      break;
    case "move": {
      const source = placeOf(root, from);
      const moved = read(source);
      remove(source);
      add(placeOf(root, path), moved);
      break;
    }
    case "copy":
      add(to, structuredClone(read(placeOf(root, from)) ?? null));
      break;
    default:
      throw unfit();
  }
  return root;
}

type Place = { container: JsonObject | unknown[]; key: string };

function placeOf(root: unknown, pointer: unknown): Place {
  const keys = textOf(pointer)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = keys.pop();
  let container = root;
  for (const key of keys.slice(1)) container = read({ container: container as Place["container"], key });
  if (keys.length === 0 || last === undefined || typeof container !== "object" || container === null) throw unfit();
  return { container: container as Place["container"], key: last };
}

function read({ container, key }: Place): unknown {
  if (Array.isArray(container)) return container[indexIn(container.length, key)];
  if (!isJsonObject(container)) throw unfit();
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

function add(place: Place, value: unknown): void {
  const { container, key } = place;
  if (!Array.isArray(container)) write(place, value);
  else container.splice(key === "-" ? container.length : indexIn(container.length + 1, key), 0, value);
}

function remove({ container, key }: Place): void {
  if (Array.isArray(container)) container.splice(indexIn(container.length, key), 1);
  else if (Object.hasOwn(container, key)) delete container[key];
  else throw unfit();
}

function write({ container, key }: Place, value: unknown): void {
  if (Array.isArray(container)) container[indexIn(container.length, key)] = value;
  // Assigning such a key would swap the object's prototype.
  else if (key !== "__proto__") container[key] = value;
}

function indexIn(length: number, key: string): number {
  const index = /^[+-]?\d+$/.test(key) ? Number(key) : Number.NaN;
  const counted = index < 0 ? index + length : index;
  if (!(counted >= 0 && counted < length)) throw unfit();
  return counted;
}

function undecodable(value: unknown, target: string): StatusError {
  return badRequest(`error decoding patch: json: cannot unmarshal ${goTypeName(value)} into Go ${target}`);
}

function unfit(): StatusError {
  return new StatusError("Invalid", "the server rejected our request due to an error in our request", { details: {} });
}
