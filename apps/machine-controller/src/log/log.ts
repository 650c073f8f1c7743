/** Structured logs, one JSON object or one readable line an entry. */
import type { Log } from "@machine-controller/controllers";
import { pino } from "pino";
import type { LogFields } from "./log-context.ts";

export type LogOptions = {
  /** A file's path, or a file descriptor. */
  destination: string | number;
  debug: boolean;
  format: "json" | "console";
  /** Takes what nobody may read out of a finished line. */
  redact?: (line: string) => string;
  /** Fields of the work under way. */
  context?: () => LogFields;
};

/** Names of fields that may hold a secret nobody has told of: their values are never printed. */
const SECRET_FIELDS = ["token", "password", "secret", "userData", "authorization", "credential"];

/** Lines wait so long for others, since every write holds the process up; warnings wait for nothing. */
const WRITE_DELAY_MS = 50;
const MOST_WAITING_BYTES = 8 * 1024;

/** However the process ends, short of a SIGKILL, all lines are written. */
export function createLog({ destination, debug, format, redact = (line) => line, context }: LogOptions): Log {
  const sink = pino.destination({ dest: destination, sync: true, mkdir: true, minLength: MOST_WAITING_BYTES });
  let writing: NodeJS.Timeout | undefined;
  function flush(): void {
    clearTimeout(writing);
    writing = undefined;
    sink.flush();
  }
  process.on("exit", flush);
  const toLine = format === "console" ? toConsole : (line: string) => line;
  const logger = pino(
    {
      level: debug ? "debug" : "info",
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "[redacted]" },
    },
    { write: (line: string) => void sink.write(redact(toLine(line))) },
  );
  return (level, message, fields = {}) => {
    logger[level]({ ...context?.(), ...fields }, message);
    if (level === "warn" || level === "error") flush();
    else writing ??= setTimeout(flush, WRITE_DELAY_MS).unref();
  };
}

function toConsole(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === "string" && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`,
  );
  return [time, String(level).toUpperCase().padEnd(5), msg, ...rest].join(" ") + "\n";
}
