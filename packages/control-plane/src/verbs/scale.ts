/** The `scale` subresource: an autoscaling/v1 Scale in front of the kind's own replica fields. */
import { copyJson, objectAt, setValueAt, stringAt, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import { fromStored } from "../registry/conversion.ts";
import type { Scale } from "../registry/resource.ts";
import { formatSelectorObject } from "../selectors/label-selector.ts";
import { builtInColumns } from "../table/built-in-columns.ts";
import { invalid, notFound } from "../status-error.ts";
import { changeObject } from "./change.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { builtInTarget, decodeObject } from "./decode.ts";
import { patchOnto } from "./patch.ts";
import { checkPatchType, readPatch } from "./patch-body.ts";
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
  const scaleContext = asScale(context);
  const isPatch = context.verb === "patch";
  if (isPatch) checkPatchType(context);
  const patch = isPatch ? await readPatch(context) : undefined;
  const sent = isPatch ? undefined : await decodeObject(scaleContext);
  const changed = await write(context, {}, (transaction, admitted) =>
    changeObject(admitted, transaction, {
      scope: "scale",
      isUpdate: !isPatch,
      next: (old) => {
        const before = toScale(old, paths);
        const scale = sent ?? (patch === undefined ? before : patchOnto(scaleContext, copyJson(before), patch));
        const reviewed = { operation: "UPDATE", old: before, object: scale } as const;
        const object = reviewMutation(admitted, reviewed) ?? scale;
        reviewResult(admitted, { ...reviewed, object });
        return withReplicas(context, { old, scale: object, paths });
      },
    }),
  );
  return renderObject(scaleContext, toScale(changed, paths));
}

const SCALE = builtInTarget("autoscaling/v1", "Scale");

/** The request as one for a Scale, which answers and tables show as such, whosever it is. */
function asScale(context: Context): Context {
  const columns = builtInColumns["Scale"] ?? [];
  return { ...context, resource: { ...context.resource, ...SCALE, columns } };
}

/** The kind's object with the Scale's replicas, under the identity that the Scale claims. */
function withReplicas(context: Context, options: { old: KubeObject; scale: KubeObject; paths: Scale }): KubeObject {
  const { old, scale, paths } = options;
  const replicas = objectAt(scale, "spec")["replicas"] ?? 0;
  if (typeof replicas !== "number" || replicas < 0) {
    const { custom } = context.resource;
    const rule = custom ? "should be a non-negative integer" : "must be greater than or equal to 0";
    const message = `Invalid value: ${JSON.stringify(replicas)}: ${rule}`;
    const field = custom ? paths.specReplicasPath : "spec.replicas";
    const subject = custom ? context.resource : { group: "autoscaling", plural: "scales", kind: "Scale" };
    throw invalid(subject, context.name, [{ reason: "FieldValueInvalid", message, field }]);
  }
  setValueAt(old, paths.specReplicasPath, replicas);
  const { name, uid } = scale.metadata;
  // Unlike an update, it need not name a resourceVersion.
  const resourceVersion = stringAt(scale.metadata, "resourceVersion") || old.metadata.resourceVersion;
  const claimed = { name, uid, resourceVersion };
  return { ...old, metadata: { ...old.metadata, ...claimed } };
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
