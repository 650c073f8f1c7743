/** CEL's string extension, and Kubernetes' regex, URL and format libraries, where the CEL library lacks them. */
import type { Environment } from "@marcbachmann/cel-js";
import { compilePattern } from "../schema/pattern.ts";

export function registerTextFunctions(environment: Environment): void {
  const define = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler);
  };
  define("string.find(string): string", (text: string, pattern: string) => toRegExp(pattern).exec(text)?.[0] ?? "");
  define("string.findAll(string): list<string>", (text: string, pattern: string) => findAll(text, pattern));
  define("string.findAll(string, int): list<string>", (text: string, pattern: string, limit: bigint) =>
    limit < 0n ? findAll(text, pattern) : findAll(text, pattern).slice(0, Number(limit)),
  );
  define("string.charAt(int): string", (text: string, at: bigint) => {
    const characters = Array.from(text);
    if (at < 0n || at > BigInt(characters.length)) throw new Error(`index out of range: ${at}`);
    return characters[Number(at)] ?? "";
  });
  define("string.replace(string, string): string", (text: string, from: string, to: string) =>
    text.split(from).join(to),
  );
  define(
    "string.replace(string, string, int): string",
    (text: string, ...rest: [from: string, to: string, count: bigint]) => replaceSome(text, ...rest),
  );
  registerUrlFunctions(environment);
}

function registerUrlFunctions(environment: Environment): void {
  const parts: Record<string, (url: URL) => string> = {
    getScheme: (url) => url.protocol.slice(0, -1),
    getHost: (url) => url.host,
    getHostname: (url) => url.hostname.replace(/^\[|\]$/g, ""),
    getPort: (url) => url.port,
    getEscapedPath: (url) => url.pathname,
  };
  environment.registerType("kubernetes.URL", URL);
  environment.registerFunction("isURL(string): bool", (text: string) => isAbsolute(text));
  environment.registerFunction("url(string): kubernetes.URL", (text: string) => {
    if (!isAbsolute(text)) {
      const why = `parse ${JSON.stringify(text)}: invalid URI for request`;
      throw new Error(`URL parse error during conversion from string: ${why}`);
    }
    return new URL(text);
  });
  for (const [name, part] of Object.entries(parts)) {
    environment.registerFunction(`kubernetes.URL.${name}(): string`, part);
  }
  environment.registerFunction("kubernetes.URL.getQuery(): map<string, list<string>>", (url: URL) =>
    Object.fromEntries([...url.searchParams.keys()].map((key) => [key, url.searchParams.getAll(key)])),
  );
}

function isAbsolute(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && URL.canParse(text);
}

function toRegExp(pattern: string): RegExp {
  const compiled = compilePattern(pattern);
  if (compiled === undefined) throw new Error(`Illegal regex: ${pattern}`);
  return compiled;
}

function findAll(text: string, pattern: string): string[] {
  const { source, flags } = toRegExp(pattern);
  return [...text.matchAll(new RegExp(source, `${flags}g`))].map(([match]) => match);
}

function replaceSome(text: string, ...[from, to, count]: [from: string, to: string, count: bigint]): string {
  const parts = text.split(from);
  if (count < 0n) return parts.join(to);
  const kept = parts.slice(0, Number(count) + 1);
  const rest = parts.slice(Number(count) + 1);
  return [kept.join(to), ...rest].join(from);
}
