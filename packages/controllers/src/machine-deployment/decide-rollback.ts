/** A person asks for an earlier revision: its template becomes the deployment's. */
import { canonicalTemplate, type MachineSet, type MachineTemplate } from "@machine-controller/api";
import { ANNOTATION_ROLLBACK_TO, LABEL_TEMPLATE_HASH } from "@machine-controller/api/well-known";
import type { EventToEmit } from "../machine/decision.ts";
import { mergePatchFrom } from "../merge-patch.ts";
import { revisionOf } from "../machine-set/snapshot.ts";
import type { Decision } from "./decision.ts";
import { historyOf } from "./revision.ts";
import type { Snapshot } from "./snapshot.ts";

export function decideRollback(snapshot: Snapshot): Decision | undefined {
  const { deployment } = snapshot;
  const asked = deployment.metadata.annotations?.[ANNOTATION_ROLLBACK_TO];
  if (asked === undefined) return undefined;
  const set = setOf(asked.trim(), snapshot);
  const why = `the annotation ${ANNOTATION_ROLLBACK_TO} asks for revision ${asked}`;
  const done = (event: EventToEmit, template?: unknown): Decision => ({
    kind: "patch-deployment",
    why,
    patch: {
      metadata: { annotations: { [ANNOTATION_ROLLBACK_TO]: null } },
      ...(template !== undefined && { spec: { template } }),
    },
    event,
  });
  if (set === undefined) {
    const message = `No MachineSet is of revision "${asked}"; there are ${revisions(snapshot) || "none"}`;
    return done({ type: "Warning", reason: "RollbackRevisionNotFound", message });
  }
  const template = withoutHash(set.spec.template);
  if (canonicalTemplate(template) === canonicalTemplate(deployment.spec.template)) {
    const message = `The template is that of revision "${asked}" already`;
    return done({ type: "Warning", reason: "RollbackTemplateUnchanged", message });
  }
  const message = `Rolled back to the template of revision ${revisionOf(set)} (MachineSet ${set.metadata.name})`;
  return done({ type: "Normal", reason: "RollbackDone", message }, mergePatchFrom(deployment.spec.template, template));
}

/** `0` is the newest revision but the current one. A revision that a MachineSet has outgrown still names it. */
function setOf(asked: string, snapshot: Snapshot): MachineSet | undefined {
  const sets = snapshot.sets.map(({ set }) => set).toSorted((a, b) => revisionOf(b) - revisionOf(a));
  if (asked === "0") return sets.find((set) => set !== snapshot.newSet?.set);
  return sets.find((set) => String(revisionOf(set)) === asked) ?? sets.find((set) => historyOf(set).includes(asked));
}

const revisions = ({ sets }: Snapshot): string =>
  sets
    .map(({ set }) => revisionOf(set))
    .toSorted((a, b) => a - b)
    .join(", ");

function withoutHash({ metadata, ...template }: MachineTemplate): MachineTemplate {
  const { [LABEL_TEMPLATE_HASH]: _hash, ...labels } = metadata?.labels ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}
