import { changeObject, scopeOf } from "./change.ts";
import type { Context } from "./context.ts";
import { decodeObject } from "./decode.ts";
import { renderObject } from "./render.ts";
import { write } from "./write.ts";

export async function updateObject(context: Context): Promise<Response> {
  const sent = await decodeObject(context);
  const scope = scopeOf(context.subresource);
  const updated = await write(context, {}, (transaction) =>
    changeObject(context, transaction, { scope, isUpdate: true, next: () => sent }),
  );
  return renderObject(context, updated);
}
