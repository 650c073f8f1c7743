import type { Authorizer } from "../security/authorize.ts";
import { changeObject, scopeOf } from "./change.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { insert } from "./create.ts";
import { decodeObject } from "./decode.ts";
import { renderObject } from "./render.ts";
import { write } from "./write.ts";

/** Kinds that a PUT may create. */
const CREATED_BY_UPDATE = [
  "leases.coordination.k8s.io",
  "events",
  "endpoints",
  "limitranges",
  "services",
  "roles.rbac.authorization.k8s.io",
  "rolebindings.rbac.authorization.k8s.io",
  "clusterroles.rbac.authorization.k8s.io",
  "clusterrolebindings.rbac.authorization.k8s.io",
];

export async function updateObject(context: Context, authorizer: Authorizer): Promise<Response> {
  const sent = await decodeObject(context);
  const scope = scopeOf(context.subresource);
  const { object, isNew } = await write(context, {}, (transaction, admitted) => {
    const isNew = scope === "main" && mayCreate(context) && transaction.get(keyOf(context)) === undefined;
    if (!isNew) {
      return { object: changeObject(admitted, transaction, { scope, isUpdate: true, next: () => sent }), isNew };
    }
    const { resource, namespace, name, user } = context;
    const { group, plural } = resource;
    authorizer.check(user, { verb: "create", group, plural, namespace, name, subresource: "" });
    return { object: insert(admitted, transaction, { object: sent }), isNew };
  });
  return renderObject(context, object, isNew ? 201 : 200);
}

function mayCreate({ resource }: Context): boolean {
  return !resource.custom && CREATED_BY_UPDATE.includes(resource.storage);
}
