/** `admission.k8s.io` AdmissionReview, v1 and v1beta1: both have this form. */
import { isObject, type Raw, type Verdict } from "./admission.ts";

export type ReviewRequest = {
  uid: string;
  kind: string;
  operation: string;
  subResource: string;
  namespace: string;
  name: string;
  user: string;
  object: Raw;
  oldObject: Raw | undefined;
};

const VERSIONS = ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"];

/** @throws SyntaxError or RangeError saying what is wrong with the request; nothing of its content is repeated. */
export function parseReview(body: string): { apiVersion: string; request: ReviewRequest } {
  const review: unknown = parseJson(body);
  const { apiVersion, kind, request } = isObject(review) ? review : {};
  if (kind !== "AdmissionReview" || typeof apiVersion !== "string" || !VERSIONS.includes(apiVersion)) {
    throw new RangeError(`the body must be an AdmissionReview of ${VERSIONS.join(" or ")}`);
  }
  if (!isObject(request) || typeof request["uid"] !== "string") throw new RangeError("request with a uid must be set");
  const { uid, kind: objectKind, object, oldObject, userInfo } = request;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return {
    apiVersion,
    request: {
      uid,
      kind: text(isObject(objectKind) ? objectKind["kind"] : ""),
      operation: text(request["operation"]),
      subResource: text(request["subResource"]),
      namespace: text(request["namespace"]),
      name: text(request["name"]),
      user: text(isObject(userInfo) ? userInfo["username"] : ""),
      object: isObject(object) ? object : {},
      oldObject: isObject(oldObject) ? oldObject : undefined,
    },
  };
}

/** The answer, in the version that was asked in. */
export function reviewAnswer(
  { apiVersion, request }: { apiVersion: string; request: { uid: string } },
  { allowed, message, patch, warnings }: Verdict,
): Raw {
  const status = { status: "Failure", message, reason: "Invalid", code: 422 };
  return {
    apiVersion,
    kind: "AdmissionReview",
    response: {
      uid: request.uid,
      allowed,
      ...(!allowed && { status }),
      ...(patch.length > 0 && { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") }),
      ...(warnings.length > 0 && { warnings }),
    },
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // The parser's own message quotes the body, and a body may hold a credential.
    throw new SyntaxError("the body is not JSON");
  }
}
