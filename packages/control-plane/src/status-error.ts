/** The one error of this package: a Kubernetes `Status`, as the API server words it. */
import type { JsonObject } from "./object.ts";

export type StatusReason = keyof typeof HTTP_CODES;

export type StatusCause = { reason?: string; message: string; field?: string };

export type StatusDetails = {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
};

const HTTP_CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  /** An error without a reason. */
  Unknown: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;

export class StatusError extends Error {
  readonly reason: StatusReason;
  readonly details: StatusDetails | undefined;
  /** A Status made elsewhere, passed on as it is; its `code` is a number. */
  readonly #answer: JsonObject | undefined;
  /** With which a list can go on all the same. */
  readonly #continueToken: string | undefined;

  constructor(
    reason: StatusReason,
    message: string,
    options: { details?: StatusDetails; cause?: unknown; answer?: JsonObject; continueToken?: string } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "StatusError";
    this.reason = reason;
    this.details = options.details;
    this.#answer = options.answer;
    this.#continueToken = options.continueToken;
  }

  get code(): number {
    return this.#answer === undefined ? HTTP_CODES[this.reason] : Number(this.#answer["code"]);
  }

  toStatus(): JsonObject {
    if (this.#answer !== undefined) return this.#answer;
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.#continueToken === undefined ? {} : { continue: this.#continueToken },
      status: "Failure",
      message: this.message,
      ...(this.reason === "Unknown" ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** What a Status names: `machines.cluster.k8s.io "a"` or `pods "a"`. */
export type Subject = { group: string; plural: string; kind: string };

/** `machines.cluster.k8s.io` or `pods`. */
export function qualified(subject: Pick<Subject, "group" | "plural">): string {
  return subject.group === "" ? subject.plural : `${subject.plural}.${subject.group}`;
}

function detailsOf(subject: Subject, name: string): StatusDetails {
  return {
    ...(name === "" ? {} : { name }),
    ...(subject.group === "" ? {} : { group: subject.group }),
    ...(subject.plural === "" ? {} : { kind: subject.plural }),
  };
}

export function notFound(subject: Subject, name: string): StatusError {
  return new StatusError("NotFound", `${qualified(subject)} "${name}" not found`, {
    details: detailsOf(subject, name),
  });
}

export function alreadyExists(subject: Subject, name: string, isBeingDeleted = false): StatusError {
  const why = isBeingDeleted ? "object is being deleted: " : "";
  return new StatusError("AlreadyExists", `${why}${qualified(subject)} "${name}" already exists`, {
    details: detailsOf(subject, name),
  });
}

export function conflict(subject: Subject, name: string, why: string): StatusError {
  return new StatusError("Conflict", `Operation cannot be fulfilled on ${qualified(subject)} "${name}": ${why}`, {
    details: detailsOf(subject, name),
  });
}

export const MODIFIED_MESSAGE =
  "the object has been modified; please apply your changes to the latest version and try again";

export function forbidden(subject: Subject, name: string, why: string): StatusError {
  return new StatusError("Forbidden", `${qualified(subject)}${name === "" ? "" : ` "${name}"`} is forbidden: ${why}`, {
    details: detailsOf(subject, name),
  });
}

/** 422 with one cause for each broken field; `causes` must not be empty. */
export function invalid(subject: Subject, name: string, causes: StatusCause[]): StatusError {
  const lines = causes.map((cause) => `${cause.field ?? ""}: ${cause.message}`);
  const text = lines.length === 1 ? (lines[0] ?? "") : `[${lines.join(", ")}]`;
  const kind = subject.group === "" ? subject.kind : `${subject.kind}.${subject.group}`;
  return new StatusError("Invalid", `${kind} "${name}" is invalid: ${text}`, {
    details: { ...detailsOf({ ...subject, plural: subject.kind }, name), causes },
  });
}

/** 422 for the options of a request, which have a kind but no name. */
export function invalidOptions(kind: string, causes: StatusCause[]): StatusError {
  const subject = { group: "meta.k8s.io", plural: kind, kind };
  return invalid(subject, "", causes);
}

/** `name` is what the path says. */
export function nameless(name: string): StatusError {
  return badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
}

export function badRequest(message: string, cause?: unknown): StatusError {
  return new StatusError("BadRequest", message, { cause });
}
