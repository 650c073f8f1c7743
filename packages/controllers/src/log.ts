export type LogLevel = "debug" | "info" | "warn" | "error";
/** Where controllers tell what they do. Fields never hold a secret. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
