/** `serviceaccounts/token`: a TokenRequest is answered with a token in its status. */
import { toTime } from "../clock.ts";
import { respondJson } from "../http/respond.ts";
import { arrayAt, isJsonObject, objectAt, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { fromStored } from "../registry/conversion.ts";
import { BOUND_RESOURCES, ISSUER } from "../security/service-account-tokens.ts";
import type { BoundObject, ServiceAccountTokens } from "../security/service-account-tokens.ts";
import { badRequest, conflict, invalid, notFound } from "../status-error.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { builtInTarget, decodeKind } from "./decode.ts";

const DEFAULT_SECONDS = 3600;
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;

export async function requestToken(context: Context, tokens: ServiceAccountTokens): Promise<Response> {
  const { resource, server, name, namespace } = context;
  const request = await decodeKind(context, builtInTarget("authentication.k8s.io/v1", "TokenRequest"));
  const stored = server.storage.get(keyOf(context));
  if (stored === undefined) throw notFound(resource, name);
  const spec = objectAt(request, "spec");
  const seconds = spec["expirationSeconds"] ?? DEFAULT_SECONDS;
  if (typeof seconds !== "number" || !(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS)) {
    const message = `Invalid value: ${JSON.stringify(seconds)}: may not specify a duration less than 10 minutes`;
    throw invalid({ group: "authentication.k8s.io", plural: "tokenrequests", kind: "TokenRequest" }, name, [
      { reason: "FieldValueInvalid", message, field: "spec.expirationSeconds" },
    ]);
  }
  const audiences = arrayAt(spec, "audiences").map(String);
  const account = fromStored(stored, resource);
  const bound = boundObject(context, spec);
  const { token, expiresAt } = tokens.issue({
    account,
    audiences,
    lifetimeSeconds: seconds,
    ...(bound === undefined ? {} : { bound }),
  });
  return respondJson(
    {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name, namespace, creationTimestamp: toTime(server.clock.now()) },
      spec: {
        audiences: audiences.length === 0 ? [ISSUER] : audiences,
        expirationSeconds: seconds,
        boundObjectRef: spec["boundObjectRef"] ?? null,
      },
      status: { token, expirationTimestamp: toTime(expiresAt) },
    },
    { code: 201 },
  );
}

/** Throws NotFound, Conflict when the object is another by now, BadRequest for a kind that binds no token. */
function boundObject({ server, namespace }: Context, spec: JsonObject): BoundObject | undefined {
  const reference = spec["boundObjectRef"];
  if (!isJsonObject(reference)) return undefined;
  const kind = stringAt(reference, "kind");
  const name = stringAt(reference, "name");
  if (!isBindable(kind)) {
    const gvk = `${stringAt(reference, "apiVersion")}, Kind=${kind}`;
    throw badRequest(`cannot bind token for serviceaccount to object kind "${gvk}"`);
  }
  const plural = BOUND_RESOURCES[kind];
  const stored = server.storage.get({ resource: plural, namespace: kind === "Node" ? "" : namespace, name });
  const subject = { group: "", plural, kind };
  if (stored === undefined) throw notFound(subject, name);
  const { uid } = (JSON.parse(stored.json) as KubeObject).metadata;
  const wanted = stringAt(reference, "uid");
  if (wanted !== "" && wanted !== uid) {
    const why = `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict(subject, name, why);
  }
  return { kind, name, uid };
}

function isBindable(kind: string): kind is BoundObject["kind"] {
  return Object.hasOwn(BOUND_RESOURCES, kind);
}
