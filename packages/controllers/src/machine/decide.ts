import { ANNOTATION_INITIALIZERS } from "@machine-controller/api/well-known";
import { type Decision, wait } from "./decision.ts";
import { decideCreation } from "./decide-creation.ts";
import { decideDeletion } from "./decide-deletion.ts";
import { decideLife } from "./decide-life.ts";
import { refersToOthers } from "./references.ts";
import { pendingFailure, type Snapshot } from "./snapshot.ts";
import { failureStatus } from "./status.ts";

/**
 * The next step of a Machine's life. Pure: the same snapshot gives the same decision. Deletion comes first, so that
 * nothing a Machine's spec can say keeps it from being deleted.
 * @throws ProviderError where the spec cannot be read.
 */
export function decide(snapshot: Snapshot): Decision {
  const { machine, record } = snapshot;
  if (machine.metadata.deletionTimestamp !== undefined) return decideFailure(snapshot) ?? decideDeletion(snapshot);
  if (machine.metadata.annotations?.[ANNOTATION_INITIALIZERS]) {
    return wait(`annotation ${ANNOTATION_INITIALIZERS} pauses this Machine`);
  }
  if (record !== undefined) return decideLife(snapshot);
  return decideFailure(snapshot) ?? decideCreation(snapshot);
}

const REFERENCE_CHECK_MS = 30_000;

/** While a failure lasts: show it, then wait until it is time to try again. */
function decideFailure(snapshot: Snapshot): Decision | undefined {
  const failure = pendingFailure(snapshot);
  if (failure === undefined) return undefined;
  const patch = failureStatus(snapshot, failure.error);
  if (patch !== undefined) return { kind: "patch-machine", why: "the failure is not in the status yet", patch };
  const why = `retried after: ${failure.error.message}`;
  // What passes by itself is tried again soon enough.
  if (failure.error.reason === undefined || !refersToOthers(snapshot.machine)) return wait(why, failure.retryAtMs);
  const checkAt = (failure.references?.at ?? -Infinity) + REFERENCE_CHECK_MS;
  if (snapshot.nowMs < checkAt) return wait(why, Math.min(failure.retryAtMs, checkAt));
  return { kind: "check-references", why: "what it refers to may have been mended" };
}
