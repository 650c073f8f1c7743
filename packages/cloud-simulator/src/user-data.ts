/** Reads user data as cloud-init does: a `#cloud-config` document or a script, gzip- or base64-wrapped or plain. */
import { gunzipSync } from "node:zlib";
import { parse } from "yaml";

/** A command of `runcmd` or `bootcmd`: a line for the shell, or a program with its arguments. */
export type CloudCommand = string | string[];

export type CloudFile = { path: string; content: string; mode: number; append: boolean };

export type UserData = {
  files: CloudFile[];
  hostname?: string;
  bootCommands: CloudCommand[];
  runCommands: CloudCommand[];
  /** What cloud-init would complain about and skip. */
  warnings: string[];
};

export class UserDataError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "UserDataError";
  }
}

/** @throws UserDataError when cloud-init would do nothing at all with it. */
export function parseUserData(userData: string): UserData {
  const text = unwrap(userData);
  const empty: UserData = { files: [], bootCommands: [], runCommands: [], warnings: [] };
  if (text.startsWith("#!")) return { ...empty, runCommands: [text] };
  if (!/^#cloud-config\s*(\n|$)/.test(text)) {
    const first = text.split("\n", 1)[0] ?? "";
    throw new UserDataError(
      `unhandled user data: it begins with ${JSON.stringify(first.slice(0, 40))}, not with #cloud-config or #!`,
    );
  }
  let document: unknown;
  try {
    document = parse(text, { version: "1.1" });
  } catch (error) {
    throw new UserDataError(`failed to parse cloud-config: ${firstLine(error)}`, { cause: error });
  }
  if (!isRecord(document)) throw new UserDataError("cloud-config is not a mapping");
  const warnings: string[] = [];
  const fqdn = typeof document["fqdn"] === "string" ? document["fqdn"].split(".")[0] : undefined;
  const hostname = typeof document["hostname"] === "string" ? document["hostname"] : fqdn;
  return {
    files: list(document, "write_files", warnings).flatMap((entry) => parseFile(entry, warnings)),
    ...(hostname !== undefined && { hostname }),
    bootCommands: list(document, "bootcmd", warnings).flatMap((entry) => parseCommand(entry, warnings)),
    runCommands: list(document, "runcmd", warnings).flatMap((entry) => parseCommand(entry, warnings)),
    warnings,
  };
}

function unwrap(userData: string): string {
  if (userData.startsWith("#")) return userData;
  const bytes = Buffer.from(userData, "base64");
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzipSync(bytes).toString();
  } catch (error) {
    throw new UserDataError("user data looks gzipped but cannot be unpacked", { cause: error });
  }
  const text = bytes.toString();
  return text.startsWith("#") ? text : userData;
}

function list(document: Record<string, unknown>, key: string, warnings: string[]): unknown[] {
  const value = document[key];
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  warnings.push(`${key} is not a list`);
  return [];
}

function parseCommand(entry: unknown, warnings: string[]): CloudCommand[] {
  if (typeof entry === "string") return [entry];
  if (Array.isArray(entry)) return [entry.map(String)];
  warnings.push(`not a command: ${JSON.stringify(entry)}`);
  return [];
}

function parseFile(entry: unknown, warnings: string[]): CloudFile[] {
  if (!isRecord(entry) || typeof entry["path"] !== "string") {
    warnings.push("write_files has an entry without a path");
    return [];
  }
  const path = entry["path"];
  const content = entry["content"] ?? "";
  if (typeof content !== "string") {
    warnings.push(`write_files: content of ${path} is not text`);
    return [];
  }
  try {
    const decoded = decode(
      content,
      typeof entry["encoding"] === "string" ? entry["encoding"].toLowerCase() : "text/plain",
    );
    return [{ path, content: decoded, mode: parseMode(entry["permissions"]), append: entry["append"] === true }];
  } catch (error) {
    warnings.push(`write_files: ${path}: ${firstLine(error)}`);
    return [];
  }
}

function decode(content: string, encoding: string): string {
  switch (encoding) {
    case "text/plain":
      return content;
    case "b64":
    case "base64":
      return Buffer.from(content, "base64").toString();
    case "gz+b64":
    case "gz+base64":
    case "gzip+b64":
    case "gzip+base64":
      return gunzipSync(Buffer.from(content, "base64")).toString();
    default:
      throw new UserDataError(`unknown encoding ${JSON.stringify(encoding)}`);
  }
}

/** An unquoted 0644 is already a number in YAML 1.1; a quoted one is octal text. */
function parseMode(permissions: unknown): number {
  if (typeof permissions === "number") return permissions;
  if (typeof permissions === "string" && /^(0o)?[0-7]+$/.test(permissions)) {
    return Number.parseInt(permissions.replace("0o", ""), 8);
  }
  return 0o644;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
