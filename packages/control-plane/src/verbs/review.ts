/** Reviews: questions about access and identity, answered and not stored. */
import { toTime } from "../clock.ts";
import { respondJson } from "../http/respond.ts";
import { arrayAt, isJsonObject, objectAt, stringAt, toApiVersion } from "../object.ts";
import type { JsonObject } from "../object.ts";
import type { Attributes } from "../security/authorize.ts";
import type { Guards } from "../security/guards.ts";
import { invalidValue } from "../registry/rule-causes.ts";
import { API_AUDIENCE } from "../security/authenticate.ts";
import { MASTERS, toUserInfo } from "../security/user.ts";
import type { User } from "../security/user.ts";
import { badRequest, invalid } from "../status-error.ts";
import type { StatusCause } from "../status-error.ts";
import type { Context } from "./context.ts";
import { decodeKind } from "./decode.ts";

export async function answerReview(context: Context, guards: Guards): Promise<Response> {
  const { resource, namespace, server } = context;
  const { kind } = resource;
  const review = await decodeKind(context, resource);
  const spec = objectAt(review, "spec");
  const metadata = objectAt(review, "metadata");
  if (namespace !== "" && (metadata["namespace"] ?? namespace) !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  checkSpec(context, spec);
  const status = await answer(context, spec, guards);
  const head = { kind, apiVersion: toApiVersion(resource.group, resource.version) };
  const code = 201;
  if (kind === "SelfSubjectReview") {
    return respondJson({ ...head, metadata: { creationTimestamp: toTime(server.clock.now()) }, status }, { code });
  }
  const asked = kind === "SelfSubjectRulesReview" ? {} : spec;
  const located = namespace === "" ? metadata : { ...metadata, namespace };
  return respondJson({ ...head, metadata: located, spec: asked, status }, { code });
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
      const audiences = arrayAt(spec, "audiences").map(String);
      const token = stringAt(spec, "token");
      const found = await guards.authenticator.authenticateToken(token, audiences.length === 0 ? undefined : audiences);
      if (found === undefined) return { user: {}, error: whyNot(token, audiences, guards) };
      return { authenticated: true, user: toUserInfo(found.user), audiences: found.audiences };
    }
    default:
      throw badRequest(`${resource.kind} is not a review this server answers`);
  }
}

function whyNot(token: string, wanted: readonly string[], { tokens }: Guards): string {
  const named = tokens.audiencesOf(token);
  const target = wanted.length === 0 ? [API_AUDIENCE] : wanted;
  if (named === undefined || named.some((audience) => target.includes(audience))) return "invalid bearer token";
  const list = (names: readonly string[]): string => `[${names.map((name) => JSON.stringify(name)).join(" ")}]`;
  return `[invalid bearer token, token audiences ${list(named)} is invalid for the target audiences ${list(target)}]`;
}

function accessStatus(user: User, spec: JsonObject, { authorizer, rbac }: Guards): JsonObject {
  const attributes = attributesOf(spec);
  const allowed = authorizer.allows(user, attributes);
  const reason = allowed && !user.groups.includes(MASTERS) ? rbac.reasonFor(user, attributes) : "";
  return { allowed, ...(reason === "" ? {} : { reason }) };
}

/** Throws BadRequest or Invalid for a review that asks nothing, or of nobody. */
function checkSpec({ resource, namespace }: Context, spec: JsonObject): void {
  const { kind } = resource;
  if (kind === "TokenReview" && stringAt(spec, "token") === "") {
    throw badRequest("token is required for TokenReview in authentication");
  }
  if (kind === "SelfSubjectRulesReview" && stringAt(spec, "namespace") === "")
    throw badRequest("no namespace on request");
  if (!kind.endsWith("SubjectAccessReview")) return;
  const causes: StatusCause[] = [];
  const { verb, path } = objectAt(spec, "nonResourceAttributes");
  /** As the server's own language writes it. */
  const pathQuestion = { Path: path ?? "", Verb: verb ?? "" };
  const hasPath = isJsonObject(spec["nonResourceAttributes"]);
  const hasResource = isJsonObject(spec["resourceAttributes"]);
  const aboutPath = (why: string): StatusCause => invalidValue("spec.nonResourceAttributes", pathQuestion, why);
  if (hasPath && hasResource) causes.push(aboutPath("cannot be specified in combination with resourceAttributes"));
  if (!hasPath && !hasResource) {
    const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    causes.push(invalidValue("spec.resourceAttributes", null, why));
  }
  if (!kind.startsWith("Self") && stringAt(spec, "user") === "" && arrayAt(spec, "groups").length === 0) {
    causes.push(invalidValue("spec.user", "", "at least one of user or group must be specified"));
  }
  if (kind.startsWith("Local")) {
    const asked = stringAt(spec["resourceAttributes"], "namespace");
    if (hasPath) causes.push(aboutPath("disallowed on this kind of request"));
    else if (hasResource && asked !== namespace)
      causes.push(invalidValue("spec.resourceAttributes.namespace", asked, "must match metadata.namespace"));
  }
  // The server leaves the kind out here.
  if (causes.length > 0) throw invalid({ group: resource.group, plural: "", kind: "" }, "", causes);
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
  const rules = rbac.rulesFor(user, namespace);
  return {
    resourceRules: rules.filter((rule) => "resources" in rule),
    nonResourceRules: rules.filter((rule) => "nonResourceURLs" in rule),
    incomplete: false,
  };
}

function subjectOf(spec: JsonObject): User {
  return { name: stringAt(spec, "user"), groups: arrayAt(spec, "groups").map(String) };
}
