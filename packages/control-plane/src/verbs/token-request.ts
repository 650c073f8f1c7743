/** `serviceaccounts/token`: a TokenRequest is answered with a token in its status. */
import { toTime } from "../clock.ts";
import { respondJson } from "../http/respond.ts";
import { arrayAt, isJsonObject, objectAt, stringAt, textOf, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { fromStored } from "../registry/conversion.ts";
import { BOUND_RESOURCES, ISSUER } from "../security/service-account-tokens.ts";
import type { BoundObject, ServiceAccountTokens } from "../security/service-account-tokens.ts";
import { badRequest, conflict, invalid, notFound } from "../status-error.ts";
import type { StatusError } from "../status-error.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { builtInTarget, decodeKind, withMetadata } from "./decode.ts";

const DEFAULT_SECONDS = 3600;
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
const API = { group: "authentication.k8s.io", version: "v1" };

export async function requestToken(context: Context, tokens: ServiceAccountTokens): Promise<Response> {
  const { resource, server, name, namespace } = context;
  const request = await decodeKind(context, builtInTarget("authentication.k8s.io/v1", "TokenRequest"));
  const stored = server.storage.get(keyOf(context));
  if (stored === undefined) throw notFound(resource, name);
  const { uid } = fromStored(stored, resource).metadata;
  const sent = withMetadata(request, { ...resource, ...API, kind: "TokenRequest" }, context).metadata;
  if ((sent.name ?? name) !== name) {
    throw refused(
      name,
      "metadata.name",
      `${JSON.stringify(sent.name)}: must match the service account name if specified`,
    );
  }
  const spec = objectAt(request, "spec");
  const seconds = Number(spec["expirationSeconds"] ?? DEFAULT_SECONDS);
  if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS)) {
    const limit = seconds < MIN_SECONDS ? "less than 10 minutes" : "larger than 2^32 seconds";
    throw refused(sent.name ?? "", "spec.expirationSeconds", `${seconds}: may not specify a duration ${limit}`);
  }
  const audiences = arrayAt(spec, "audiences").map(String);
  const account = fromStored(stored, resource);
  const bound = boundObjects(context, spec);
  const { token, expiresAt } = tokens.issue({
    account,
    audiences,
    lifetimeSeconds: seconds,
    bound,
  });
  return respondJson(
    {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name, namespace, uid, creationTimestamp: toTime(server.clock.now()) },
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

function refused(name: string, field: string, why: string): StatusError {
  const message = `Invalid value: ${why}`;
  const subject = { ...API, plural: "tokenrequests", kind: "TokenRequest" };
  return invalid(subject, name, [{ reason: "FieldValueInvalid", message, field }]);
}

/** The object that the token ends with, and after a pod its node. Throws NotFound, Conflict when it is another by now,
 * BadRequest for what binds no token of this account. */
function boundObjects(context: Context, spec: JsonObject): BoundObject[] {
  const { server, namespace } = context;
  const reference = spec["boundObjectRef"];
  if (!isJsonObject(reference)) return [];
  const apiVersion = stringAt(reference, "apiVersion") || "v1";
  const kind = stringAt(reference, "kind");
  const name = stringAt(reference, "name");
  if (!isBindable(kind) || apiVersion !== "v1") {
    throw badRequest(`cannot bind token to object of type ${apiVersion === "v1" ? "/v1" : apiVersion}, Kind=${kind}`);
  }
  if (name === "") throw badRequest("Name parameter required.");
  const plural = BOUND_RESOURCES[kind];
  const stored = server.storage.get({ resource: plural, namespace: kind === "Node" ? "" : namespace, name });
  const subject = { group: "", plural, kind };
  if (stored === undefined) throw notFound(subject, name);
  const object = JSON.parse(stored.json) as KubeObject;
  const { uid } = object.metadata;
  const wanted = stringAt(reference, "uid");
  if (wanted !== "" && wanted !== uid) {
    const why = `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict({ ...subject, plural: kind }, name, why);
  }
  const bound = { kind, name, uid };
  return kind === "Pod" ? [...nodeOf(context, object), bound] : [bound];
}

function nodeOf({ server, name }: Context, pod: KubeObject): BoundObject[] {
  if (valueAt(pod, "spec.serviceAccountName") !== name) {
    const why = "to pod running with different serviceaccount name.";
    throw badRequest(`cannot bind token for serviceaccount ${JSON.stringify(name)} ${why}`);
  }
  const nodeName = textOf(valueAt(pod, "spec.nodeName"));
  const node = server.storage.get({ resource: BOUND_RESOURCES.Node, namespace: "", name: nodeName });
  if (node === undefined) return [];
  return [{ kind: "Node", name: nodeName, uid: (JSON.parse(node.json) as KubeObject).metadata.uid }];
}

function isBindable(kind: string): kind is BoundObject["kind"] {
  return Object.hasOwn(BOUND_RESOURCES, kind);
}
