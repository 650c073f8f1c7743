/** RFC 6902 JSON Patch, by the rfc6902 library, with the API server's errors. */
import { applyPatch } from "rfc6902";
import type { Operation } from "rfc6902";
import type { JsonObject } from "../object.ts";
import { badRequest, StatusError } from "../status-error.ts";

const MAX_OPERATIONS = 10_000;

/** Returns a patched copy. Throws BadRequest for a malformed patch, Invalid for one that does not fit the object. */
export function applyJsonPatch(target: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch)) throw badRequest("json patch must be an array of operations");
  if (patch.length > MAX_OPERATIONS) {
    throw new StatusError(
      "RequestEntityTooLarge",
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    );
  }
  const copy = structuredClone(target);
  for (const operation of patch as Operation[]) {
    let failure: Error | null;
    try {
      failure = applyPatch(copy, [operation])[0] ?? null;
    } catch (error) {
      throw badRequest("error decoding patch", error);
    }
    if (failure !== null) {
      throw new StatusError("Invalid", "the server rejected our request due to an error in our request", {
        cause: failure,
      });
    }
  }
  return copy;
}
