/** Errors in the vendor's format. The document gives statuses for some codes; the others have the one that fits best. */

const STATUS = {
  json_error: 400,
  unauthorized: 401,
  forbidden: 403,
  token_readonly: 403,
  resource_limit_exceeded: 403,
  not_found: 404,
  method_not_allowed: 405,
  uniqueness_error: 409,
  conflict: 409,
  placement_error: 412,
  resource_unavailable: 412,
  invalid_input: 422,
  invalid_server_type: 422,
  unsupported_error: 422,
  resource_in_use: 422,
  no_subnet_available: 422,
  server_already_attached: 422,
  ip_not_available: 422,
  firewall_already_applied: 422,
  private_net_only_server: 422,
  locked: 423,
  protected: 423,
  rate_limit_exceeded: 429,
  server_error: 500,
  bad_gateway: 502,
  unavailable: 503,
  timeout: 504,
} as const;

export type HetznerErrorCode = keyof typeof STATUS;

export class HetznerError extends Error {
  readonly code: HetznerErrorCode;
  readonly details: object | undefined;

  constructor(code: HetznerErrorCode, message: string, options?: { details?: object; cause?: unknown }) {
    super(message, options);
    this.name = "HetznerError";
    this.code = code;
    this.details = options?.details;
  }
}

export function notFound(what: string, id: string | number): HetznerError {
  return new HetznerError("not_found", `${what} with ID '${id}' not found`);
}

export type FieldProblem = { name: string; message: string };

/** The message names the first field, the details all of them. */
export function invalidInput(...problems: [FieldProblem, ...FieldProblem[]]): HetznerError {
  const [first] = problems;
  return new HetznerError("invalid_input", `invalid input in field '${first.name}': ${first.message}`, {
    details: { fields: problems.map(({ name, message }) => ({ name, messages: [message] })) },
  });
}

export function notUnique(what: string, field: string): HetznerError {
  const shown = field.replaceAll("_", " ");
  return new HetznerError("uniqueness_error", `${what} with the same ${shown} already exists`, {
    details: { fields: [{ name: field }] },
  });
}

export function toResponse(error: HetznerError): Response {
  const { code, message, details } = error;
  return errorResponse(STATUS[code], { code, message, details: details ?? null });
}

export function errorResponse(
  status: number,
  error: { code: string; message: string; details: object | null },
): Response {
  return Response.json({ error }, { status });
}

/** The usual code of a status, for injected faults that name none. */
export function codeOfStatus(status: number): string {
  const usual: Record<number, HetznerErrorCode> = { 403: "forbidden", 409: "conflict", 412: "resource_unavailable" };
  const found = Object.entries(STATUS).find(([, candidate]) => candidate === status)?.[0];
  return usual[status] ?? found ?? (status < 500 ? "invalid_input" : "server_error");
}
