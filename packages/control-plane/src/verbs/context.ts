/** One request on one resource, as the verbs see it. */
import type { JsonObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import type { User } from "../security/user.ts";
import type { Server } from "../server.ts";
import type { Key } from "../storage/storage.ts";
import { StatusError } from "../status-error.ts";

export type Context = {
  server: Server;
  resource: Resource;
  verb: string;
  namespace: string;
  name: string;
  subresource: string;
  query: URLSearchParams;
  headers: Headers;
  user: User;
  /** Aborts when the client goes away. */
  signal: AbortSignal;
  /** The body, read once and held to the size limit. */
  body(): Promise<Uint8Array>;
  /** Texts for `Warning` headers of the response. */
  warnings: string[];
};

export function keyOf(context: Context, name = context.name): Key {
  return { resource: context.resource.storage, namespace: context.namespace, name };
}

/** `dryRun=All`; throws on any other value. */
export function isDryRun(context: Context, options: JsonObject = {}): boolean {
  const values = [...context.query.getAll("dryRun"), ...(Array.isArray(options["dryRun"]) ? options["dryRun"] : [])];
  for (const value of values) {
    if (value !== "All") {
      throw new StatusError(
        "Invalid",
        `PatchOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ${JSON.stringify(value)}: supported values: "All"`,
      );
    }
  }
  return values.length > 0;
}
