/** Which patch a Content-Type means, how it is read, and its application to one JSON object. */
import { isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { applyJsonPatch } from "../patch/json-patch.ts";
import { applyMergePatch } from "../patch/merge-patch.ts";
import { applyStrategicMergePatch } from "../patch/strategic-merge-patch.ts";
import { goTypeName } from "../schema/go-decoding.ts";
import { badRequest, StatusError } from "../status-error.ts";
import type { Context } from "./context.ts";
import { decode } from "./decode.ts";
import { repetitions } from "./field-validation.ts";

export const APPLY_PATCH = "application/apply-patch+yaml";
export const STRATEGIC_PATCH = "application/strategic-merge-patch+json";
const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";

export function patchType(context: Context): string {
  return (context.headers.get("content-type") ?? "").split(";")[0] ?? "";
}

/** Throws UnsupportedMediaType for a patch that the kind does not take. */
export function checkPatchType(context: Context): void {
  const { custom } = context.resource;
  const accepted = [JSON_PATCH, MERGE_PATCH, ...(custom ? [] : [STRATEGIC_PATCH]), APPLY_PATCH];
  if (accepted.includes(patchType(context))) return;
  // Of built-in kinds the server says no more than this.
  if (!custom) throw new StatusError("UnsupportedMediaType", "415: Unsupported Media Type", { details: {} });
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  throw new StatusError("UnsupportedMediaType", message);
}

export type PatchBody = {
  patch: unknown;
  /** What it says twice, and what a JSON patch says that none has, as problems. */
  problems: string[];
};

export async function readPatch(context: Context): Promise<PatchBody> {
  const type = patchType(context);
  const { value: patch, text } = await decode(context, (why) =>
    badRequest(type === STRATEGIC_PATCH ? why : `error decoding patch: ${why}`),
  );
  if (type !== JSON_PATCH) return { patch, problems: await repetitions(text, patch) };
  const isUsual = Array.isArray(patch) && patch.every(isOperation);
  // Where it is not, the text is gone through in any case.
  const body = text && { ...text, isJson: isUsual };
  const problems = await repetitions(body, patch, { items: { properties: OPERATION } });
  return { patch, problems: problems.map((problem) => `json patch ${problem}`) };
}

const OPERATION = { op: {}, path: {}, from: {}, value: { "x-kubernetes-preserve-unknown-fields": true } };

function isOperation(item: unknown): boolean {
  return isJsonObject(item) && Object.keys(item).every((key) => Object.hasOwn(OPERATION, key));
}

/** Returns a patched copy. Throws BadRequest for a malformed patch, Invalid for one that does not fit. */
export function applyPatch(context: Context, target: JsonObject, patch: unknown): unknown {
  const type = patchType(context);
  if (type === JSON_PATCH) return applyJsonPatch(target, patch);
  if (patch === null && type === MERGE_PATCH) throw badRequest("Invalid JSON Patch");
  const fields = patch ?? {};
  if (!isJsonObject(fields)) {
    const why = `json: cannot unmarshal ${goTypeName(fields)} into Go value of type map[string]interface {}`;
    throw badRequest(type === STRATEGIC_PATCH ? why : `error decoding patch: ${why}`);
  }
  return type === MERGE_PATCH ? applyMergePatch(target, fields) : mergeStrategically(target, fields, context.resource);
}

/** Of another kind or not, what comes out is of the kind of the path. */
function mergeStrategically(target: JsonObject, patch: JsonObject, { kind: ofPath }: Resource): JsonObject {
  const merged = applyStrategicMergePatch(target, patch, ofPath);
  for (const field of ["apiVersion", "kind"]) if (typeof merged[field] === "string") merged[field] = target[field];
  return merged;
}
