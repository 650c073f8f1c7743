/** From verb and subresource to the function that serves it. */
import type { Guards } from "../security/guards.ts";
import { StatusError } from "../status-error.ts";
import { createObject } from "../verbs/create.ts";
import type { Context } from "../verbs/context.ts";
import { deleteCollection, deleteObject } from "../verbs/delete.ts";
import { evictPod } from "../verbs/eviction.ts";
import { getObject } from "../verbs/get.ts";
import { listObjects } from "../verbs/list.ts";
import { patchObject } from "../verbs/patch.ts";
import { answerReview } from "../verbs/review.ts";
import { serveScale } from "../verbs/scale.ts";
import { requestToken } from "../verbs/token-request.ts";
import { updateObject } from "../verbs/update.ts";
import { watchObjects } from "../verbs/watch.ts";
import { checkWriteOptions } from "../verbs/write-options.ts";

export async function dispatch(context: Context, guards: Guards): Promise<Response> {
  const { resource, subresource, verb } = context;
  if (subresource !== "" && !resource.subresources.includes(subresource)) throw unknownPath();
  if (resource.review !== true) checkWriteOptions(context);
  switch (subresource) {
    case "":
      if (resource.review !== true) return serveMain(context, guards);
      if (verb !== "create") throw notAllowed();
      return answerReview(context, guards);
    case "finalize":
      if (verb !== "update") throw notAllowed();
      return updateObject(context, guards.authorizer);
    case "status":
    case "approval":
      return serveStatus(context, guards);
    case "scale":
      if (resource.scale === undefined) throw unknownPath();
      if (!["get", "update", "patch"].includes(verb)) throw notAllowed();
      return serveScale(context, resource.scale);
    case "token":
      if (verb !== "create") throw notAllowed();
      return requestToken(context, guards.tokens);
    case "eviction":
      if (verb !== "create") throw notAllowed();
      return evictPod(context);
    default:
      throw unknownPath();
  }
}

async function serveMain(context: Context, guards: Guards): Promise<Response> {
  if (!isOffered(context)) throw notAllowed();
  switch (context.verb) {
    case "get":
      return getObject(context);
    case "list":
      return listObjects(context);
    case "watch":
      return watchObjects(context);
    case "create":
      return createObject(context);
    case "update":
      return updateObject(context, guards.authorizer);
    case "patch":
      return patchObject(context);
    case "delete":
      return deleteObject(context);
    case "deletecollection":
      return deleteCollection(context);
    default:
      throw notAllowed();
  }
}

/** Objects are created in collections and changed by name; namespaces are deleted one at a time. */
function isOffered({ verb, name, resource }: Context): boolean {
  if (verb === "create") return name === "";
  if (verb === "update" || verb === "patch") return name !== "";
  return !(verb === "deletecollection" && resource.storage === "namespaces");
}

async function serveStatus(context: Context, guards: Guards): Promise<Response> {
  switch (context.verb) {
    case "get":
      return getObject(context);
    case "update":
      return updateObject(context, guards.authorizer);
    case "patch":
      return patchObject(context);
    default:
      throw notAllowed();
  }
}

function unknownPath(): StatusError {
  return new StatusError("NotFound", "the server could not find the requested resource", { details: {} });
}

export function notAllowed(): StatusError {
  return new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource", {
    details: {},
  });
}
