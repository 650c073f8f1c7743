/**
 * - `OperatingSystemNotSupported`: nothing here makes user data for it.
 * - `InvalidMachine`: the Machine's author has to change the field at `path`.
 * - `InvalidClusterInfo`: what the cluster publishes about itself is not enough to join it.
 * - `InvalidTokenSecret`: a bootstrap token Secret lacks a part of the token.
 */
export type BootstrapErrorCode =
  | "OperatingSystemNotSupported"
  | "InvalidMachine"
  | "InvalidClusterInfo"
  | "InvalidTokenSecret";

/** The message is shown to users: it names the thing and the remedy, and never holds user data or a token. */
export class BootstrapError extends Error {
  override readonly name = "BootstrapError";
  readonly code: BootstrapErrorCode;
  /** Field of the Machine that is wrong. */
  readonly path: string | undefined;

  constructor(code: BootstrapErrorCode, message: string, options: { path?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.path = options.path;
  }
}
