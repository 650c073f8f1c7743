/** Which patch a Content-Type means, and its application to one JSON object. */
import { isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { applyJsonPatch } from "../patch/json-patch.ts";
import { applyMergePatch } from "../patch/merge-patch.ts";
import { applyStrategicMergePatch } from "../patch/strategic-merge-patch.ts";
import { badRequest, StatusError } from "../status-error.ts";
import type { Context } from "./context.ts";

/** Built-in kinds say no more than this. */
const UNSUPPORTED = "415: Unsupported Media Type";

export const APPLY_PATCH = "application/apply-patch+yaml";
const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
const STRATEGIC_PATCH = "application/strategic-merge-patch+json";

export function patchType(context: Context): string {
  return (context.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
}

/** Returns a patched copy. Throws BadRequest, Invalid, or UnsupportedMediaType for a patch the kind does not take. */
export function applyPatchBody(context: Context, target: JsonObject, patch: unknown): JsonObject {
  const { resource } = context;
  const type = patchType(context);
  if (type === JSON_PATCH) return applyJsonPatch(target, patch);
  if (!isJsonObject(patch)) throw badRequest("the patch must be an object");
  if (type === MERGE_PATCH) return applyMergePatch(target, patch);
  if (type === STRATEGIC_PATCH && !resource.custom) return applyStrategicMergePatch(target, patch, resource.kind);
  const accepted = [JSON_PATCH, MERGE_PATCH, APPLY_PATCH].join(", ");
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`;
  throw new StatusError("UnsupportedMediaType", resource.custom ? message : UNSUPPORTED, { details: {} });
}
