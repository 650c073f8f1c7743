/** Runs a transaction for a request; a dry run has the same result and no effect. */
import { withAdmission } from "../admission/session.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Transaction } from "../storage/storage.ts";
import { isDryRun } from "./context.ts";
import type { Context } from "./context.ts";

/** `mutate` may run several times, each time on the state as it then is; only its last run counts. */
export async function write<T>(
  context: Context,
  options: { deleteOptions?: JsonObject },
  mutate: (transaction: Transaction, context: Context) => T,
): Promise<T> {
  const { storage, webhooks } = context.server;
  const isDry = isDryRun(context, options.deleteOptions);
  const { signal, warnings } = context;
  return withAdmission({ webhooks, signal, warnings }, async (admission) => {
    const admitted = { ...context, admission };
    return isDry
      ? mutate({ get: storage.get, list: storage.list, put: keep, remove: keep }, admitted)
      : storage.write((transaction) => mutate(transaction, admitted));
  });
}

function keep(_key: unknown, object: KubeObject): KubeObject {
  return object;
}
