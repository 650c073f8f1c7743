/** Structured logs. Field names that may hold a secret are redacted wherever they stand. */
import type { Log } from "@machine-controller/controllers";
import { pino } from "pino";

const SECRET_FIELDS = ["token", "password", "secret", "userData", "authorization", "credential"];

/** @param destination a file's path, or a file descriptor. */
export function createLog(options: { destination: string | number; debug: boolean; format: string }): Log {
  const logger = pino(
    {
      level: options.debug ? "debug" : "info",
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "[redacted]" },
    },
    options.format.toLowerCase() === "console"
      ? { write: (line: string) => process.stderr.write(toConsole(line)) }
      : pino.destination({ dest: options.destination, sync: true, mkdir: true }),
  );
  return (level, message, fields = {}) => logger[level](fields, message);
}

function toConsole(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${String(msg)} ${rest.join(" ")}\n`;
}
