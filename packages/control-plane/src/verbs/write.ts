/** Runs a transaction for a request; a dry run has the same result and no effect. */
import type { KubeObject } from "../object.ts";
import type { Transaction } from "../storage/storage.ts";
import { isDryRun } from "./context.ts";
import type { Context } from "./context.ts";
import type { JsonObject } from "../object.ts";

export async function write<T>(
  context: Context,
  options: { deleteOptions?: JsonObject },
  mutate: (transaction: Transaction) => T,
): Promise<T> {
  const { storage } = context.server;
  if (!isDryRun(context, options.deleteOptions)) return storage.write(mutate);
  return mutate({ get: storage.get, list: storage.list, put: keep, remove: keep });
}

function keep(_key: unknown, object: KubeObject): KubeObject {
  return object;
}
