/** Before its instance goes, a RHEL system is taken out of its subscription: there a name stays for ever otherwise, and costs. */
import { FINALIZER_RED_HAT } from "@machine-controller/api/well-known";
import type { Decision } from "./decision.ts";
import { decidePatience } from "./decide-patience.ts";
import type { Snapshot } from "./snapshot.ts";

/** After that a person has to, and is told. */
const TIMEOUT_MS = 10 * 60_000;

/** undefined: there is none, it is taken out, or it had its time. */
export function decideUnregistration(snapshot: Snapshot): Decision | undefined {
  const { machine, knowledge } = snapshot;
  if (!machine.metadata.finalizers?.includes(FINALIZER_RED_HAT)) return undefined;
  const again: Decision = { kind: "unregister", why: "the system is taken out of its subscription before it goes" };
  const { unregistration } = knowledge;
  if (unregistration === undefined) return again;
  const { problem } = unregistration;
  return decidePatience(snapshot, {
    type: "Unregistered",
    timeoutMs: TIMEOUT_MS,
    looks: unregistration,
    missing:
      problem === undefined
        ? undefined
        : {
            reason: "RegistrationFailed",
            told: (deadlineMs) =>
              `The system cannot be taken out of its subscription: ${problem}; ` +
              `the instance goes without that at ${new Date(deadlineMs).toISOString()}`,
            timedOut: {
              reason: "NotUnregistered",
              message: `The system could not be taken out of its subscription: ${problem}; remove it there by hand`,
            },
          },
    done: { reason: "SystemRemoved" },
    again,
  });
}
