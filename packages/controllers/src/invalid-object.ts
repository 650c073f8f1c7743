/** An object's own fields make it impossible to act; the message names the field and the remedy. */
export class InvalidObjectError extends Error {
  override readonly name = "InvalidObjectError";
  /** Nothing but an edit helps, and an edit starts a pass of its own. */
  readonly retryAfterMs = 300_000;
}
