/** One request on one resource, as the verbs see it. */
import type { Admission } from "../admission/session.ts";
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
  /** Absent outside a write that asks webhooks. */
  admission?: Admission;
};

export function keyOf(context: Context, name = context.name): Key {
  return { resource: context.resource.storage, namespace: context.namespace, name };
}

/** A value that stays the same when the write it is for has to run again. */
export function once<T>(context: Context, name: string, make: () => T): T {
  return context.admission === undefined ? make() : context.admission.once(name, make);
}

/** `dryRun=All`; throws on any other value. */
export function isDryRun(context: Context, options: JsonObject = {}): boolean {
  const values = [...context.query.getAll("dryRun"), ...(Array.isArray(options["dryRun"]) ? options["dryRun"] : [])];
  for (const value of values) {
    if (value !== "All") {
      throw new StatusError(
        "Invalid",
        `${optionsKind(context.verb)}.meta.k8s.io "" is invalid: dryRun: Unsupported value: ${JSON.stringify(values)}: supported values: "All"`,
      );
    }
  }
  return values.length > 0;
}

/** The kind that the query parameters of a write stand for. */
export function optionsKind(verb: string): string {
  const kinds: Record<string, string> = { create: "CreateOptions", update: "UpdateOptions", patch: "PatchOptions" };
  return kinds[verb] ?? "DeleteOptions";
}
