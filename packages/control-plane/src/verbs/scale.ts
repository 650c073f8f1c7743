/** The `scale` subresource: an autoscaling/v1 Scale in front of the kind's own replica fields. */
import { isJsonObject, objectAt, setValueAt, stringAt, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import { fromStored } from "../registry/conversion.ts";
import type { Scale } from "../registry/resource.ts";
import { formatSelectorObject } from "../selectors/label-selector.ts";
import { builtInColumns } from "../table/built-in-columns.ts";
import { badRequest, conflict, invalid, MODIFIED_MESSAGE, notFound } from "../status-error.ts";
import { changeObject } from "./change.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { builtInTarget, decode, NO_VERSION_OR_KIND, unrecognized } from "./decode.ts";
import { applyPatch, checkPatchType, readPatch } from "./patch-body.ts";
import { renderObject } from "./render.ts";
import { reviewMutation, reviewResult } from "./webhook-review.ts";
import { write } from "./write.ts";

export async function serveScale(context: Context, paths: Scale): Promise<Response> {
  const { resource, server, name } = context;
  if (context.verb === "get") {
    const stored = server.storage.get(keyOf(context));
    if (stored === undefined) throw notFound(resource, name);
    return renderObject(asScale(context), toScale(fromStored(stored, resource), paths));
  }
  const body = context.verb === "patch" ? await readScalePatch(context) : await readScale(context);
  const changed = await write(context, {}, (transaction, admitted) =>
    changeObject(admitted, transaction, {
      scope: "scale",
      next: (old) => {
        const sent = context.verb === "patch" ? applyPatch(context, toScale(old, paths), body) : body;
        if (!isJsonObject(sent)) throw badRequest("the body must be a Scale");
        const scale = { ...sent, metadata: objectAt(sent, "metadata") } as KubeObject;
        const reviewed = { operation: "UPDATE", old: toScale(old, paths) } as const;
        const object = reviewMutation(admitted, { ...reviewed, object: scale });
        reviewResult(admitted, { ...reviewed, object: scale });
        return withReplicas(context, { old, scale: object, paths });
      },
    }),
  );
  return renderObject(asScale(context), toScale(changed, paths));
}

async function readScalePatch(context: Context): Promise<unknown> {
  checkPatchType(context);
  return (await readPatch(context)).patch;
}

async function readScale(context: Context): Promise<unknown> {
  const target = builtInTarget("autoscaling/v1", "Scale");
  return (await decode(context, (why, text) => unrecognized(target, `${NO_VERSION_OR_KIND}${why}`, text))).value;
}

/** Tables show a Scale as such, whosever it is. */
function asScale(context: Context): Context {
  return { ...context, resource: { ...context.resource, columns: builtInColumns["Scale"] ?? [] } };
}

function withReplicas(context: Context, options: { old: KubeObject; scale: unknown; paths: Scale }): KubeObject {
  const { old, scale, paths } = options;
  if (!isJsonObject(scale) || stringAt(scale, "kind") !== "Scale") {
    throw badRequest(`the body must be an autoscaling/v1 Scale`);
  }
  const version = stringAt(scale["metadata"], "resourceVersion");
  if (version !== "" && version !== old.metadata.resourceVersion) {
    throw conflict(context.resource, context.name, MODIFIED_MESSAGE);
  }
  const replicas = objectAt(scale, "spec")["replicas"] ?? 0;
  if (typeof replicas !== "number" || !Number.isInteger(replicas) || replicas < 0) {
    const { custom } = context.resource;
    const rule = custom ? "should be a non-negative integer" : "must be greater than or equal to 0";
    const message = `Invalid value: ${JSON.stringify(replicas)}: ${rule}`;
    const field = custom ? paths.specReplicasPath : "spec.replicas";
    const subject = custom ? context.resource : { group: "autoscaling", plural: "scales", kind: "Scale" };
    throw invalid(subject, context.name, [{ reason: "FieldValueInvalid", message, field }]);
  }
  setValueAt(old, paths.specReplicasPath, replicas);
  return old;
}

function toScale(object: KubeObject, paths: Scale): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector =
    paths.labelSelectorPath === undefined ? "" : formatSelectorObject(valueAt(object, paths.labelSelectorPath));
  const replicas = valueAt(object, paths.specReplicasPath) ?? 0;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    // As in Go, where none is left out.
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: valueAt(object, paths.statusReplicasPath) ?? 0,
      ...(selector === "" ? {} : { selector }),
    },
  };
}
