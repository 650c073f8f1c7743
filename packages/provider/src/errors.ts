/**
 * What can go wrong between a controller and a cloud. One table drives retry, Machine status and docs; a provider's only
 * duty is to pick the right code. Anything it does not recognise stays "no information": never a reason to replace or
 * delete an instance.
 */
import type { MachineErrorReason, OperatingSystem } from "@machine-controller/api";

export type ProviderErrorCode =
  | "Terminal"
  | "InstanceNotFound"
  | "RateLimited"
  | "InsufficientResources"
  | "Unauthorized"
  | "Unavailable"
  | "UnknownOutcome";

type ErrorRule = {
  /** Shortest wait before the next try, and the longest that back-off grows to. */
  retry: { minMs: number; maxMs: number };
  /** `status.errorReason` while the error lasts; undefined: a passing fault, shown in a condition and an event only. */
  reason: MachineErrorReason | undefined;
  /** One sentence for the docs. */
  meaning: string;
};

export const PROVIDER_ERRORS: Readonly<Record<ProviderErrorCode, ErrorRule>> = {
  Terminal: {
    retry: { minMs: 30_000, maxMs: 600_000 },
    reason: "InvalidConfiguration",
    meaning: "Nothing but a change of the spec, of a referenced Secret or by the cloud's owner can help.",
  },
  InstanceNotFound: {
    retry: { minMs: 1_000, maxMs: 30_000 },
    reason: undefined,
    meaning: "The cloud confirmed, for the right account, that the instance does not exist.",
  },
  RateLimited: {
    retry: { minMs: 1_000, maxMs: 300_000 },
    reason: undefined,
    meaning: "The cloud asked for fewer calls; retried when it said, or with back-off.",
  },
  InsufficientResources: {
    retry: { minMs: 15_000, maxMs: 300_000 },
    reason: "InsufficientResources",
    meaning: "A quota is used up or the cloud is sold out; retried, since both can pass.",
  },
  Unauthorized: {
    retry: { minMs: 15_000, maxMs: 300_000 },
    reason: "InvalidConfiguration",
    meaning: "The credential was refused. Says nothing about any instance.",
  },
  Unavailable: {
    retry: { minMs: 1_000, maxMs: 60_000 },
    reason: undefined,
    meaning: "The cloud did not answer a read, or answered with a fault of its own. Says nothing about any instance.",
  },
  UnknownOutcome: {
    retry: { minMs: 1_000, maxMs: 30_000 },
    reason: undefined,
    meaning: "A change was sent and its answer is lost; settled by the provider's idempotency before anything else.",
  },
};

const BRAND = Symbol.for("machine-controller/ProviderError");

export type ProviderErrorOptions = {
  cause?: unknown;
  /** Overrides the table's reason. */
  reason?: MachineErrorReason;
  /** What the cloud said to wait, in milliseconds. */
  retryAfterMs?: number;
};

/** The message is shown to users: it names the thing and the remedy, and never holds a secret. */
export class ProviderError extends Error {
  override readonly name: string = "ProviderError";
  readonly code: ProviderErrorCode;
  readonly reason: MachineErrorReason | undefined;
  readonly retryAfterMs: number | undefined;
  readonly [BRAND] = true;

  constructor(code: ProviderErrorCode, message: string, options: ProviderErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.reason = options.reason ?? PROVIDER_ERRORS[code].reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Only a changed spec, Secret or account can help; reason and message go to the Machine's status. */
export class TerminalError extends ProviderError {
  override readonly name = "TerminalError";
  constructor(reason: MachineErrorReason, message: string, options: { cause?: unknown } = {}) {
    super("Terminal", message, { ...options, reason });
  }
}

/** Thrown only where the cloud confirmed absence: complete, authenticated, for the account asked about. */
export class InstanceNotFoundError extends ProviderError {
  override readonly name = "InstanceNotFoundError";
  constructor(what: string, options: { cause?: unknown } = {}) {
    super("InstanceNotFound", `instance not found: ${what}`, options);
  }
}

export class OSNotSupportedError extends ProviderError {
  override readonly name = "OSNotSupportedError";
  constructor(provider: string, operatingSystem: string, supported: readonly OperatingSystem[]) {
    super(
      "Terminal",
      `spec.providerSpec.value.operatingSystem: "${operatingSystem}" has no default image on ${provider}; ` +
        `use one of ${supported.join(", ")}, or set cloudProviderSpec.image`,
    );
  }
}

/** True for a ProviderError of any copy of this package, and of the given code if one is given. */
export function isProviderError(error: unknown, code?: ProviderErrorCode): error is ProviderError {
  return (
    error instanceof Error &&
    (error as { [BRAND]?: true })[BRAND] === true &&
    (code === undefined || (error as ProviderError).code === code)
  );
}
