/** One request to one of Red Hat's services. */
import type { Fetch } from "@machine-controller/provider";

/** Says where it failed, never with what. */
export class RegistrationError extends Error {
  override readonly name = "RegistrationError";
}

/** @throws RegistrationError unless the answer is one of those expected. */
export async function exchange(
  fetch: Fetch,
  request: Request,
  { title, expected }: { title: string; expected: readonly number[] },
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(request);
  } catch (cause) {
    if (request.signal.aborted) throw request.signal.reason;
    throw new RegistrationError(`${title} cannot be reached`, { cause });
  }
  if (expected.includes(response.status)) return response;
  await response.body?.cancel();
  throw new RegistrationError(`${title} answered ${request.method} with ${response.status}`);
}

/** The JSON of an answer. An error does not quote it: it may hold a token. */
export async function jsonOf(response: Response, { title }: { title: string }): Promise<Record<string, unknown>> {
  const answer: unknown = await response.json().catch(() => undefined);
  if (typeof answer === "object" && answer !== null) return answer as Record<string, unknown>;
  throw new RegistrationError(`${title} answered with something that is not JSON`);
}
