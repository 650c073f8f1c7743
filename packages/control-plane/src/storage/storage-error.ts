export type StorageErrorCode =
  | "ForeignFile"
  | "NewerVersion"
  | "Corrupt"
  | "CannotOpen"
  | "Locked"
  | "Closed"
  /** What was to be read is forgotten meanwhile. */
  | "Compacted"
  /** The disk has no room; writes work again as soon as it has. */
  | "Full"
  /** The disk failed; nothing is written until the file is opened again. */
  | "Failed";

/** The database cannot be used. On opening, the file is left as it was found. */
export class StorageError extends Error {
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "StorageError";
    this.code = code;
  }
}

const SQLITE_FULL = 13;
/** A write past a quota or a limit of the process: like a full disk, it leaves the file as it was. */
const SQLITE_IOERR_WRITE = 778;

/** What a failed commit means to the writers in it. */
export function writeError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  if (code === SQLITE_FULL || code === SQLITE_IOERR_WRITE) {
    return new StorageError("Full", "the database cannot grow: free some space on its disk", { cause: error });
  }
  return new StorageError("Failed", "the database cannot be written any more: check its disk, then start again", {
    cause: error,
  });
}
