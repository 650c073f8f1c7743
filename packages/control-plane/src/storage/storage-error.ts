export type StorageErrorCode = "ForeignFile" | "NewerVersion" | "Corrupt" | "CannotOpen" | "Locked" | "Closed";

/** The database cannot be used. The file is left as it was found. */
export class StorageError extends Error {
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "StorageError";
    this.code = code;
  }
}
