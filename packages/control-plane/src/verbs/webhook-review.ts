/** A request's write as webhooks are asked about it. */
import type { Operation, Write } from "../admission/review.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { isDryRun } from "./context.ts";
import type { Context } from "./context.ts";

export type Reviewed = { operation: Operation; object?: KubeObject; old?: KubeObject; deleteOptions?: JsonObject };

/** The object as mutating webhooks leave it. `reshape` prunes and defaults what they return. */
export function reviewMutation(
  context: Context,
  reviewed: Reviewed,
  reshape: (object: KubeObject) => void = () => {},
): KubeObject | undefined {
  const { admission } = context;
  return admission === undefined ? reviewed.object : admission.mutate(toWrite(context, reviewed), reshape);
}

/** Throws when a validating webhook refuses. */
export function reviewResult(context: Context, reviewed: Reviewed): void {
  context.admission?.validate(toWrite(context, reviewed));
}

function toWrite(context: Context, { operation, object, old, deleteOptions = {} }: Reviewed): Write {
  const { resource, subresource, namespace, user } = context;
  return {
    operation,
    resource,
    subresource,
    // A Namespace is said to be in itself.
    namespace: resource.storage === "namespaces" ? ((object ?? old)?.metadata.name ?? "") : namespace,
    name: (object ?? old)?.metadata.name ?? context.name,
    user,
    dryRun: isDryRun(context, deleteOptions),
    options: operation === "DELETE" ? toDeleteOptions(deleteOptions) : toOptions(context, operation),
    ...(object === undefined ? {} : { object }),
    ...(old === undefined ? {} : { old }),
  };
}

const META_API_VERSION = "meta.k8s.io/v1";

function toDeleteOptions(options: JsonObject): JsonObject {
  return { ...options, kind: "DeleteOptions", apiVersion: META_API_VERSION };
}

function toOptions(context: Context, operation: Operation): JsonObject {
  const { query } = context;
  const fields = ["fieldManager", "fieldValidation"].flatMap((name) => {
    const value = query.get(name);
    return value === null ? [] : [[name, value]];
  });
  return {
    kind: operation === "CREATE" ? "CreateOptions" : "UpdateOptions",
    apiVersion: META_API_VERSION,
    ...(isDryRun(context) ? { dryRun: ["All"] } : {}),
    ...Object.fromEntries(fields),
  };
}
