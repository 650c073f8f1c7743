/** What admission is asked about one write, and the AdmissionReview that asks it. */
import { convertObject } from "../registry/conversion.ts";
import type { Resource } from "../registry/resource.ts";
import { isJsonObject, objectAt, stringAt, textOf } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { toUserInfo } from "../security/user.ts";
import type { User } from "../security/user.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE";

/** One write: `object` is absent for a deletion, `old` for a creation. */
export type Write = {
  operation: Operation;
  resource: Resource;
  subresource: string;
  namespace: string;
  /** Empty while a generated name is still to be chosen. */
  name: string;
  user: User;
  dryRun: boolean;
  options: JsonObject;
  object?: KubeObject;
  old?: KubeObject;
};

const API_VERSION = "admission.k8s.io/v1";

/** `served` is the form of the kind that the webhook asked for; objects are sent in that form. */
export function toReview(write: Write, { uid, served }: { uid: string; served: Resource }): JsonObject {
  const form = (object: KubeObject | undefined): JsonObject | null =>
    object === undefined ? null : convertObject(object, write.resource, served);
  const { resource, subresource, name, namespace } = write;
  const requestKind = write.subresource === "scale" ? SCALE_KIND : kindOf(resource);
  return {
    kind: "AdmissionReview",
    apiVersion: API_VERSION,
    request: {
      uid,
      kind: write.subresource === "scale" ? SCALE_KIND : kindOf(served),
      resource: resourceOf(served),
      ...(subresource === "" ? {} : { subResource: subresource }),
      requestKind,
      requestResource: resourceOf(resource),
      ...(subresource === "" ? {} : { requestSubResource: subresource }),
      ...(name === "" ? {} : { name }),
      ...(namespace === "" ? {} : { namespace }),
      operation: write.operation,
      userInfo: toUserInfo(write.user),
      object: form(write.object),
      oldObject: form(write.old),
      dryRun: write.dryRun,
      options: write.options,
    },
  };
}

const SCALE_KIND = { group: "autoscaling", version: "v1", kind: "Scale" };

function kindOf({ group, version, kind }: Resource): JsonObject {
  return { group, version, kind };
}

function resourceOf({ group, version, plural }: Resource): JsonObject {
  return { group, version, resource: plural };
}

export type Verdict = {
  allowed: boolean;
  /** A JSON Patch of the object as it was sent. */
  patch?: unknown;
  /** Why not, as the webhook says it. */
  status: JsonObject;
  warnings: string[];
};

/** Throws an Error that says what is wrong with the answer. */
export function readVerdict(answer: unknown, uid: string): Verdict {
  const response = isJsonObject(answer) ? answer["response"] : undefined;
  if (!isJsonObject(answer) || !isJsonObject(response)) throw new Error("webhook response was absent");
  if (response["uid"] !== uid) {
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response["uid"] ?? "")}`);
  }
  if (answer["apiVersion"] !== API_VERSION || answer["kind"] !== "AdmissionReview") {
    const got = `${textOf(answer["apiVersion"])}, Kind=${textOf(answer["kind"])}`;
    throw new Error(`expected webhook response of ${API_VERSION}, Kind=AdmissionReview, got ${got}`);
  }
  const warnings = Array.isArray(response["warnings"]) ? response["warnings"].map(String) : [];
  return {
    allowed: response["allowed"] === true,
    status: objectAt(response, "status"),
    warnings,
    ...readPatch(response),
  };
}

function readPatch(response: JsonObject): { patch?: unknown } {
  const patch = stringAt(response, "patch");
  const type = response["patchType"];
  if (patch === "") {
    if (type !== undefined) throw new Error("webhook returned response.patchType but not response.patch");
    return {};
  }
  if (type === undefined) throw new Error("webhook returned response.patch but not response.patchType");
  if (type !== "JSONPatch") throw new Error(`webhook returned unknown response.patchType: ${textOf(type)}`);
  try {
    return { patch: JSON.parse(Buffer.from(patch, "base64").toString("utf8")) };
  } catch (error) {
    throw new Error("webhook returned response.patch that is not JSON in base64", { cause: error });
  }
}
