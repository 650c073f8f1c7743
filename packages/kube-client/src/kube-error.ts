// What a Kubernetes API may answer instead of the object, as one closed set of codes.

type CodeFacts = {
  /** The same request may succeed later, unchanged. */
  retryable: boolean;
  /** A mutation that got this answer may or may not have happened. */
  outcomeUnknown: boolean;
};

const FINAL: CodeFacts = { retryable: false, outcomeUnknown: false };
const LATER: CodeFacts = { retryable: true, outcomeUnknown: false };
const UNKNOWN: CodeFacts = { retryable: true, outcomeUnknown: true };

/** One row a code; drives retry, conditions and docs. */
export const kubeErrorCodes = {
  NotFound: FINAL,
  AlreadyExists: FINAL,
  /** A precondition (`resourceVersion`, `uid`) no longer holds: read again, decide again. */
  Conflict: FINAL,
  Invalid: FINAL,
  BadRequest: FINAL,
  Forbidden: FINAL,
  /** Credentials refused by the server, or not to be had from their source (then `status` is 0). */
  Unauthorized: FINAL,
  /** A resourceVersion or continue token too old: list again. */
  Expired: FINAL,
  TooManyRequests: LATER,
  Timeout: UNKNOWN,
  ServerTimeout: UNKNOWN,
  InternalError: UNKNOWN,
  ServiceUnavailable: UNKNOWN,
  /** The server does not serve this path, verb or media type. Says nothing about any object. */
  Unsupported: FINAL,
  /** No HTTP answer, or it broke off. */
  Unreachable: UNKNOWN,
  /** An answer that is no Kubernetes answer. */
  Malformed: UNKNOWN,
  InvalidKubeconfig: FINAL,
} as const satisfies Record<string, CodeFacts>;

export type KubeErrorCode = keyof typeof kubeErrorCodes;

/** The `details` of a Kubernetes Status. */
export type StatusDetails = {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: { reason?: string; message?: string; field?: string }[];
  retryAfterSeconds?: number;
};

const BRAND = Symbol.for("@machine-controller/kube-error");

export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly [BRAND] = true;
  readonly code: KubeErrorCode;
  /** HTTP status; 0 when there was no HTTP answer. */
  readonly status: number;
  readonly details: StatusDetails | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: KubeErrorCode,
    message: string,
    options: { status?: number; details?: StatusDetails; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 0;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }

  get retryable(): boolean {
    return kubeErrorCodes[this.code].retryable;
  }

  get outcomeUnknown(): boolean {
    return kubeErrorCodes[this.code].outcomeUnknown;
  }
}

export function isKubeError(error: unknown, code?: KubeErrorCode): error is KubeError {
  return error instanceof Error && BRAND in error && (code === undefined || (error as KubeError).code === code);
}
