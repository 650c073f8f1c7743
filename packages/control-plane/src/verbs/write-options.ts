/** The query parameters of a write, held to what the API server takes. */
import { invalidOptions } from "../status-error.ts";
import type { StatusCause } from "../status-error.ts";
import type { Context } from "./context.ts";
import { APPLY_PATCH, patchType } from "./patch-body.ts";

const MAX_MANAGER_BYTES = 128;
const KINDS: Record<string, string> = { create: "CreateOptions", update: "UpdateOptions", patch: "PatchOptions" };
const VALIDATIONS = ["", "Ignore", "Strict", "Warn"];

/** Throws Invalid with all that is wrong. Deletions have options of their own. */
export function checkWriteOptions(context: Context): void {
  const { query, verb } = context;
  const kind = KINDS[verb];
  if (kind === undefined) return;
  const isApply = patchType(context) === APPLY_PATCH;
  const manager = query.get("fieldManager") ?? "";
  const validation = query.get("fieldValidation") ?? "";
  const causes: StatusCause[] = [];
  if (isApply && manager === "") {
    const message = "Required value: is required for apply patch";
    causes.push({ reason: "FieldValueRequired", message, field: "fieldManager" });
  }
  if (verb === "patch" && !isApply && query.get("force") !== null) {
    const message = "Forbidden: may not be specified for non-apply patch";
    causes.push({ reason: "FieldValueForbidden", message, field: "force" });
  }
  causes.push(...managerProblems(manager), ...dryRunProblems(query.getAll("dryRun")));
  if (!VALIDATIONS.includes(validation)) {
    causes.push(unsupported("fieldValidation", validation, VALIDATIONS));
  }
  if (causes.length > 0) throw invalidOptions(kind, causes);
}

export function dryRunProblems(values: readonly unknown[]): StatusCause[] {
  return values.every((value) => value === "All") ? [] : [unsupported("dryRun", values, ["All"])];
}

function managerProblems(manager: string): StatusCause[] {
  const field = "fieldManager";
  if (Buffer.byteLength(manager) > MAX_MANAGER_BYTES) {
    const message = `Too long: may not be more than ${MAX_MANAGER_BYTES} bytes`;
    return [{ reason: "FieldValueTooLong", message, field }];
  }
  // Of spaces only the plain one can be printed.
  const at = manager.search(/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u);
  if (at < 0) return [];
  const code = (manager.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const message = `Invalid value: ${JSON.stringify(manager)}: invalid character U+${code} (at position ${at})`;
  return [{ reason: "FieldValueInvalid", message, field }];
}

function unsupported(field: string, value: unknown, supported: readonly string[]): StatusCause {
  const values = supported.map((each) => JSON.stringify(each)).join(", ");
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`;
  return { reason: "FieldValueNotSupported", message, field };
}
