import { isJsonObject } from "../object.ts";
import type { KubeObject } from "../object.ts";
import { goText } from "../patch/go-text.ts";
import { sayInConversion } from "../schema/go-decoding.ts";
import { invalid } from "../status-error.ts";
import type { StatusError } from "../status-error.ts";
import { applyConfiguration } from "./apply.ts";
import { changeObject, scopeOf } from "./change.ts";
import type { Context } from "./context.ts";
import { toPatched, withMetadata } from "./decode.ts";
import { dropUnknown, isStrict, reportFields } from "./field-validation.ts";
import { APPLY_PATCH, applyPatch, checkPatchType, patchType, readPatch, STRATEGIC_PATCH } from "./patch-body.ts";
import type { PatchBody } from "./patch-body.ts";
import { renderObject } from "./render.ts";
import { write } from "./write.ts";

export async function patchObject(context: Context): Promise<Response> {
  checkPatchType(context);
  if (patchType(context) === APPLY_PATCH) return applyConfiguration(context);
  const body = await readPatch(context);
  const patched = await write(context, {}, (transaction, admitted) =>
    changeObject(admitted, transaction, {
      scope: scopeOf(context.subresource),
      next: (old) => patchOnto(context, old, body),
    }),
  );
  return renderObject(context, patched);
}

/** What the patch makes of an object of the context's kind. Throws Invalid for what is none any more. */
export function patchOnto(context: Context, old: KubeObject, { patch, problems }: PatchBody): KubeObject {
  const { resource } = context;
  const patched = applyPatch(context, old, patch);
  const isStrategic = patchType(context) === STRATEGIC_PATCH;
  // What is unknown is gone from the object by the time it is refused.
  const before = isStrict(context) && !isStrategic ? structuredClone(patched) : patched;
  const refuse = (why: string): StatusError => {
    const shown = isStrategic ? goText(patch) : JSON.stringify(sorted(before, resource.custom));
    const message = `Invalid value: ${JSON.stringify(shown)}: ${why}`;
    return invalid({ group: "", plural: "", kind: "" }, "", [{ reason: "FieldValueInvalid", message, field: "patch" }]);
  };
  const object = toPatched(patched, context, { refuse, say: isStrategic ? sayInConversion : undefined });
  reportFields(context, [...problems, ...dropUnknown(object, resource)], refuse);
  return withMetadata(object, resource, context);
}

/** With its fields in the order of their names, all of them or the outermost. */
function sorted(value: unknown, isDeep: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => sorted(item, isDeep));
  if (!isJsonObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, isDeep ? sorted(value[key], true) : value[key]]));
}
