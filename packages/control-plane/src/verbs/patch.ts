import type { KubeObject } from "../object.ts";
import { applyConfiguration } from "./apply.ts";
import { changeObject, scopeOf } from "./change.ts";
import type { Context } from "./context.ts";
import { decodeBody, toObject } from "./decode.ts";
import { APPLY_PATCH, applyPatchBody, patchType } from "./patch-body.ts";
import { renderObject } from "./render.ts";
import { write } from "./write.ts";

export async function patchObject(context: Context): Promise<Response> {
  if (patchType(context) === APPLY_PATCH) return applyConfiguration(context);
  const patch = await decodeBody(context);
  const scope = scopeOf(context.subresource);
  const patched = await write(context, {}, (transaction, admitted) =>
    changeObject(admitted, transaction, {
      scope,
      next: (old: KubeObject) => toObject(applyPatchBody(context, old, patch), context.resource, context),
    }),
  );
  return renderObject(context, patched);
}
