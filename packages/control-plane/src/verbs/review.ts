/** Reviews: questions about access and identity, answered and not stored. */
import { respondJson } from "../http/respond.ts";
import { arrayAt, isJsonObject, objectAt, stringAt, toApiVersion } from "../object.ts";
import type { JsonObject } from "../object.ts";
import type { Attributes } from "../security/authorize.ts";
import type { Guards } from "../security/guards.ts";
import { MASTERS } from "../security/user.ts";
import type { User } from "../security/user.ts";
import { badRequest } from "../status-error.ts";
import type { Context } from "./context.ts";
import { decodeBody } from "./decode.ts";

export async function answerReview(context: Context, guards: Guards): Promise<Response> {
  const { resource } = context;
  const review = await decodeBody(context);
  if (!isJsonObject(review)) throw badRequest(`the body must be a ${resource.kind}`);
  const spec = objectAt(review, "spec");
  const status = await answer(context, spec, guards);
  const apiVersion = toApiVersion(resource.group, resource.version);
  return respondJson(
    { kind: resource.kind, apiVersion, metadata: review["metadata"] ?? { creationTimestamp: null }, spec, status },
    { code: 201 },
  );
}

async function answer(context: Context, spec: JsonObject, guards: Guards): Promise<JsonObject> {
  const { user, resource } = context;
  switch (resource.kind) {
    case "SelfSubjectAccessReview":
      return accessStatus(user, spec, guards);
    case "SubjectAccessReview":
    case "LocalSubjectAccessReview":
      return accessStatus(subjectOf(spec), spec, guards);
    case "SelfSubjectRulesReview":
      return rulesStatus(user, stringAt(spec, "namespace"), guards);
    case "SelfSubjectReview":
      return { userInfo: toUserInfo(user) };
    case "TokenReview": {
      const found = await guards.authenticator.authenticateToken(stringAt(spec, "token"));
      return found === undefined ? { user: {} } : { authenticated: true, user: toUserInfo(found) };
    }
    default:
      throw badRequest(`${resource.kind} is not a review this server answers`);
  }
}

function accessStatus(user: User, spec: JsonObject, { authorizer }: Guards): JsonObject {
  const allowed = authorizer.allows(user, attributesOf(spec));
  return { allowed, ...(allowed ? { reason: "" } : {}) };
}

function attributesOf(spec: JsonObject): Attributes {
  const path = spec["nonResourceAttributes"];
  if (isJsonObject(path)) return { verb: stringAt(path, "verb"), path: stringAt(path, "path") };
  const resource = objectAt(spec, "resourceAttributes");
  return {
    verb: stringAt(resource, "verb"),
    group: stringAt(resource, "group"),
    plural: stringAt(resource, "resource"),
    namespace: stringAt(resource, "namespace"),
    name: stringAt(resource, "name"),
    subresource: stringAt(resource, "subresource"),
  };
}

function rulesStatus(user: User, namespace: string, { rbac }: Guards): JsonObject {
  const rules = user.groups.includes(MASTERS)
    ? [
        { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
        { verbs: ["*"], nonResourceURLs: ["*"] },
      ]
    : rbac.rulesFor(user, namespace);
  return {
    resourceRules: rules.filter((rule) => "resources" in rule),
    nonResourceRules: rules.filter((rule) => "nonResourceURLs" in rule),
    incomplete: false,
  };
}

function subjectOf(spec: JsonObject): User {
  return { name: stringAt(spec, "user"), groups: arrayAt(spec, "groups").map(String) };
}

function toUserInfo(user: User): JsonObject {
  return { username: user.name, ...(user.uid === undefined ? {} : { uid: user.uid }), groups: user.groups };
}
