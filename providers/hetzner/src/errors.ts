/** What Hetzner's error codes mean to a controller: one table. */
import {
  type ErrorAnswer,
  InstanceNotFoundError,
  isProviderError,
  ProviderError,
  type ProviderErrorCode,
  retryAfterMs,
  TerminalError,
} from "@machine-controller/provider";

/** `error.code` of the cloud → ours. A fault says nothing about whether the request took effect. */
const CODES: Readonly<Record<string, ProviderErrorCode | "Fault">> = {
  unauthorized: "Unauthorized",
  forbidden: "Terminal",
  token_readonly: "Terminal",
  rate_limit_exceeded: "RateLimited",
  resource_limit_exceeded: "InsufficientResources",
  resource_unavailable: "InsufficientResources",
  no_space_left_in_location: "InsufficientResources",
  placement_error: "InsufficientResources",
  conflict: "Unavailable",
  locked: "Unavailable",
  resource_locked: "Unavailable",
  maintenance: "Fault",
  unavailable: "Fault",
  server_error: "Fault",
  service_error: "Fault",
  timeout: "Fault",
  bad_gateway: "Fault",
  unknown_error: "Fault",
};

const REMEDIES: Readonly<Record<string, string>> = {
  unauthorized: "check the token",
  forbidden: "use a token with read and write permission",
  token_readonly: "use a token with read and write permission",
  resource_limit_exceeded: "remove unused resources or ask Hetzner for a higher limit",
  resource_unavailable: "another server type or location may have room",
  placement_error: "another server type or location may have room",
  protected: "disable the server's delete protection",
};

type Refusal = { code: string; message: string; details?: { fields?: { name: string; messages?: string[] }[] } | null };

/** undefined where the answer is not in the vendor's form: it then came from something in between. */
export function classify(answer: ErrorAnswer, nowMs: number): ProviderError | undefined {
  const refusal = (answer.body as { error?: Refusal } | undefined)?.error;
  if (typeof refusal?.code !== "string") return undefined;
  const { method, path, status, headers } = answer;
  const cause = { ...refusal, status };
  const fields = (refusal.details?.fields ?? []).map(({ name, messages = [] }) => `${name}: ${messages.join(", ")}`);
  const message = [
    `Hetzner Cloud refused ${method} ${path} with ${refusal.code}: ${[refusal.message, ...fields].join("; ")}`,
    REMEDIES[refusal.code],
  ]
    .filter(Boolean)
    .join("; ");

  // Only of a resource named by its ID does the cloud's "not found" confirm absence.
  if (refusal.code === "not_found" && /\/\d+$/.test(path)) {
    return new InstanceNotFoundError(`Hetzner Cloud has no ${path}`, { cause });
  }
  if (refusal.code === "protected") return new TerminalError("DeleteError", message, { cause });
  const code = CODES[refusal.code] ?? (status >= 500 ? "Fault" : "Terminal");
  if (code === "Fault")
    return new ProviderError(method === "GET" ? "Unavailable" : "UnknownOutcome", message, { cause });
  const wait = code === "RateLimited" ? (retryAfterMs(headers, nowMs) ?? untilReset(headers, nowMs)) : undefined;
  return new ProviderError(code, message, { cause, ...(wait !== undefined && { retryAfterMs: wait }) });
}

/** True for an error that Hetzner gave one of these codes. */
export function isRefusal(error: unknown, ...codes: readonly string[]): boolean {
  return isProviderError(error) && codes.includes((error.cause as Partial<Refusal> | undefined)?.code ?? "");
}

/** `RateLimit-Reset` is the Unix time in seconds at which the whole limit is available again. */
function untilReset(headers: Headers, nowMs: number): number | undefined {
  const reset = Number(headers.get("ratelimit-reset") ?? Number.NaN);
  return Number.isFinite(reset) ? Math.max(0, reset * 1_000 - nowMs) : undefined;
}
