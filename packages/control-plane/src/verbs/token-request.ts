/** `serviceaccounts/token`: a TokenRequest is answered with a token in its status. */
import { toTime } from "../clock.ts";
import { respondJson } from "../http/respond.ts";
import { arrayAt, isJsonObject, objectAt } from "../object.ts";
import { fromStored } from "../registry/conversion.ts";
import { ISSUER } from "../security/service-account-tokens.ts";
import type { ServiceAccountTokens } from "../security/service-account-tokens.ts";
import { badRequest, invalid, notFound } from "../status-error.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { decodeBody } from "./decode.ts";

const DEFAULT_SECONDS = 3600;
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;

export async function requestToken(context: Context, tokens: ServiceAccountTokens): Promise<Response> {
  const { resource, server, name, namespace } = context;
  const request = await decodeBody(context);
  if (!isJsonObject(request)) throw badRequest("the body must be a TokenRequest");
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
  const { token, expiresAt } = tokens.issue({ account, audiences, lifetimeSeconds: seconds });
  return respondJson(
    {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name, namespace, creationTimestamp: toTime(server.clock.now()) },
      spec: { ...spec, audiences: audiences.length === 0 ? [ISSUER] : audiences, expirationSeconds: seconds },
      status: { token, expirationTimestamp: toTime(expiresAt) },
    },
    { code: 201 },
  );
}
