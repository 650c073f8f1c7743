/** One request on one resource, as the verbs see it. */
import type { Admission } from "../admission/session.ts";
import { arrayAt } from "../object.ts";
import type { JsonObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import type { User } from "../security/user.ts";
import type { Server } from "../server.ts";
import type { Key } from "../storage/storage.ts";

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

/** As checked before. `options` are those of a deletion. */
export function isDryRun({ query, verb }: Context, options: JsonObject = {}): boolean {
  return arrayAt(options, "dryRun").length > 0 || (!verb.startsWith("delete") && query.has("dryRun"));
}
