// Turns a failing answer into a KubeError: by the reason of its Status body, else by its HTTP status.
import type { Clock } from "./clock.ts";
import type { ApiResponse } from "./transport.ts";
import { KubeError, type KubeErrorCode, type StatusDetails, kubeErrorCodes } from "./kube-error.ts";

type Status = { kind: "Status"; code?: number; reason?: string; message?: string; details?: StatusDetails };

/** Reasons (k8s.io/apimachinery `StatusReason`) that are not themselves a code. */
const REASONS: Readonly<Record<string, KubeErrorCode>> = {
  Gone: "Expired",
  MethodNotAllowed: "Unsupported",
  NotAcceptable: "Unsupported",
  UnsupportedMediaType: "Unsupported",
  RequestEntityTooLarge: "BadRequest",
  StorageReadError: "InternalError",
};

const STATUSES: Readonly<Record<number, KubeErrorCode>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "Unsupported",
  406: "Unsupported",
  408: "Timeout",
  409: "Conflict",
  410: "Expired",
  413: "BadRequest",
  415: "Unsupported",
  422: "Invalid",
  429: "TooManyRequests",
  502: "ServiceUnavailable",
  503: "ServiceUnavailable",
  504: "Timeout",
};

/** An object in the body of an answer, or in an ERROR event of a watch. */
export function fromStatus(status: unknown, http: { status?: number; retryAfterMs?: number | undefined }): KubeError {
  if (!isStatus(status)) return withoutStatus(http.status ?? 0, http.retryAfterMs);
  const code = http.status ?? status.code ?? 0;
  const seconds = status.details?.retryAfterSeconds;
  const retryAfterMs = http.retryAfterMs ?? (seconds ? seconds * 1000 : undefined);
  return new KubeError(codeOf(status.reason, code), status.message || `the API server answered ${code}`, {
    status: code,
    ...(status.details && { details: status.details }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** Reads the body of an answer that is not 2xx. */
export async function fromResponse(response: ApiResponse, clock: Clock): Promise<KubeError> {
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), clock.now());
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return fromStatus(body, { status: response.status, retryAfterMs });
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3) → milliseconds from now. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** A 404 that is no Status comes from a proxy or an unknown path: it must not pass for the absence of an object. */
function withoutStatus(status: number, retryAfterMs: number | undefined): KubeError {
  const code = status === 404 ? "Unsupported" : codeOf(undefined, status);
  return new KubeError(code, `the server answered ${status} without a Kubernetes status`, {
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function codeOf(reason: string | undefined, status: number): KubeErrorCode {
  if (reason !== undefined && Object.hasOwn(kubeErrorCodes, reason)) return reason as KubeErrorCode;
  const known = (reason === undefined ? undefined : REASONS[reason]) ?? STATUSES[status];
  if (known !== undefined) return known;
  if (status >= 500) return "InternalError";
  return status >= 400 ? "BadRequest" : "Malformed";
}

function isStatus(value: unknown): value is Status {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "Status";
}
