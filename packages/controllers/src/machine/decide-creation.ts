/** From a bare Machine to a recorded instance: prepare, write the intent, create, record. */
import type { CreateIntent, InstanceRecord, Machine } from "@machine-controller/api";
import {
  ANNOTATION_CONFIRM_GONE,
  ANNOTATION_CREATE_INTENT,
  ANNOTATION_INSTANCE,
  providerIdOf,
} from "@machine-controller/api/well-known";
import type { Instance } from "@machine-controller/provider";
import { type Decision, wait } from "./decision.ts";
import { doubtByFleet, doubtByNode, holdBack, mismatchOf } from "./doubt.ts";
import {
  holdsInstance,
  isReadable,
  requestsSettledAt,
  setsProviderId,
  type Snapshot,
  withFinalizers,
} from "./snapshot.ts";
import { bootstrapMissingStatus, creatingStatus, liveStatus } from "./status.ts";

const USER_DATA_FRESH_MS = 15 * 60_000;
/** Its Secrets are watched; this is for what is not. */
const USER_DATA_RECHECK_MS = 30_000;

export function decideCreation(snapshot: Snapshot): Decision {
  const { machine, knowledge, intent, provider, nowMs } = snapshot;
  const { present, absent, account } = knowledge;
  if (account === undefined || !isReadable(snapshot))
    return { kind: "identify", why: "an intent names the account it was made for" };
  if (present !== undefined) return recordInstance(snapshot, { account, instance: present.instance });
  // Written by the Go implementation, which keeps no intent: an instance may exist already, or be about to.
  if (intent === undefined && holdsInstance(machine)) {
    const settledAt = provider.idempotency.class === "unique-name" ? -Infinity : requestsSettledAt(snapshot);
    const again = lookDirectly(snapshot, "the Machine has our finalizer and no intent: an instance may exist already");
    if (absent === undefined || (absent.lastAt < settledAt && nowMs >= settledAt)) return again;
    const doubt = doubtByNode(snapshot, { lookedAtMs: absent.lastAt, again });
    if (doubt !== undefined) return doubt;
    if (absent.lastAt < settledAt) return wait("a predecessor's request may still show up", settledAt);
  }
  return intent === undefined ? prepare(snapshot, account) : fulfil(snapshot, intent, account);
}

function prepare(snapshot: Snapshot, account: string): Decision {
  const { knowledge } = snapshot;
  if (knowledge.validated !== snapshot.specKey)
    return { kind: "validate", why: "nothing is created from an invalid spec" };
  if (!hasUserData(snapshot)) return prepareUserData(snapshot);
  return {
    kind: "patch-machine",
    why: "the intent is written down before the cloud is asked to create",
    intends: true,
    patch: { ...intentPatch(snapshot, { attempt: 1, account }), ...creatingStatus(snapshot) },
  };
}

/** The intent for the given attempt, with both finalizers and without the record of an earlier instance. */
export function intentPatch(
  snapshot: Snapshot,
  { attempt, account }: { attempt: number; account: string },
): {
  metadata: { annotations: Record<string, string | null>; finalizers: string[] };
} {
  const uid = snapshot.machine.metadata.uid ?? "";
  const intent: CreateIntent = {
    token: attempt === 1 ? uid : `${uid}-${attempt}`,
    attempt,
    at: new Date(snapshot.nowMs).toISOString(),
    provider: snapshot.provider.name,
    account,
  };
  return {
    metadata: {
      annotations: { [ANNOTATION_CREATE_INTENT]: JSON.stringify(intent), [ANNOTATION_INSTANCE]: null },
      finalizers: withFinalizers(snapshot.machine),
    },
  };
}

function fulfil(snapshot: Snapshot, intent: CreateIntent, account: string): Decision {
  const { knowledge, provider, nowMs, leadingSinceMs } = snapshot;
  const mismatch = mismatchOf(snapshot);
  if (mismatch !== undefined) return holdBack(snapshot, mismatch);
  const lookedAt = knowledge.absent?.lastAt ?? -1;
  const settledAt = requestsSettledAt(snapshot);
  // Neither name nor token counts across accounts, and a person can only tell what there is by then.
  if (account !== intent.account && nowMs < settledAt) {
    return wait("an earlier request may still have its effect under the former credential", settledAt);
  }
  if (account !== intent.account && !confirmedGone(snapshot.machine, intent.token)) {
    if (knowledge.absent === undefined) return lookDirectly(snapshot, "the credential changed since the intent");
    const { listedAtMs, showsSibling } = snapshot.fleet();
    if (listedAtMs === undefined)
      return { kind: "look-up", how: "list", startedAfterMs: -1, why: "the credential changed since the intent" };
    if (!showsSibling) {
      const doubt =
        `the credential changed since the intent was written, and the new one shows no instance of ours: ` +
        `restore it, or set the annotation ${ANNOTATION_CONFIRM_GONE}=${intent.token} if no instance was created`;
      return holdBack(snapshot, doubt, { lookedAtMs: lookedAt, decision: lookDirectly(snapshot, doubt) });
    }
  }
  if (!knowledge.intentIsFresh && lookedAt < leadingSinceMs) {
    return lookDirectly(snapshot, "an earlier process may have created the instance");
  }
  if (provider.idempotency.class === "tag-scan") {
    if (nowMs < settledAt) return wait("an earlier attempt may still show up", settledAt);
    const again = lookDirectly(snapshot, "the earlier attempt had time to show up");
    if (lookedAt < settledAt) return again;
    const wasAsked = settledAt > -Infinity && !confirmedGone(snapshot.machine, intent.token);
    const doubt = wasAsked
      ? doubtByFleet(snapshot, { id: intent.token, sinceMs: settledAt, lookedAtMs: lookedAt, again })
      : undefined;
    if (doubt !== undefined) return doubt;
  }
  if (!hasUserData(snapshot)) return prepareUserData(snapshot);
  return { kind: "create", why: "the intent is written and no instance exists", intent };
}

/** User data holds a bootstrap token, which would expire under an instance that boots too late. */
const hasUserData = ({ knowledge, nowMs }: Snapshot): boolean =>
  knowledge.userData !== undefined && nowMs - knowledge.userData.at < USER_DATA_FRESH_MS;

function prepareUserData(snapshot: Snapshot): Decision {
  const { userDataMissing: missing } = snapshot.knowledge;
  if (missing !== undefined && snapshot.nowMs < missing.at + USER_DATA_RECHECK_MS) {
    const patch = bootstrapMissingStatus(snapshot, missing.message);
    if (patch !== undefined) return { kind: "patch-machine", why: "what holds up the bootstrap is shown", patch };
    return wait(missing.message, missing.at + USER_DATA_RECHECK_MS);
  }
  return { kind: "prepare-user-data", why: "an instance needs user data to join the cluster" };
}

export function recordInstance(
  snapshot: Snapshot,
  { account, instance }: { account: string; instance: Instance },
): Decision {
  const { machine, provider, intent, record: former, nowMs } = snapshot;
  const attempt = intent?.attempt ?? 1;
  const record: InstanceRecord = {
    id: instance.id,
    provider: provider.name,
    account,
    attempt,
    at: new Date(nowMs).toISOString(),
    ...(instance.resources && { resources: { ...instance.resources } }),
  };
  const adopted = intent === undefined ? intentPatch(snapshot, { attempt, account }).metadata : undefined;
  const deleting = machine.metadata.deletionTimestamp !== undefined;
  const what = `${instance.id} (${instance.name})`;
  const instead = former === undefined ? "" : ` in place of ${former.id}`;
  return {
    kind: "patch-machine",
    why: `instance ${instance.id} exists and is not recorded yet`,
    patch: {
      metadata: { ...adopted, annotations: { ...adopted?.annotations, [ANNOTATION_INSTANCE]: JSON.stringify(record) } },
      ...(!deleting &&
        setsProviderId(snapshot) &&
        machine.spec.providerID === undefined && {
          spec: { providerID: providerIdOf(provider.name, machine.metadata.uid ?? "") },
        }),
      ...(!deleting && liveStatus(snapshot)),
    },
    event:
      intent === undefined || former !== undefined
        ? { type: "Normal", reason: "InstanceAdopted", message: `Adopted instance ${what}${instead}` }
        : { type: "Normal", reason: "Created", message: `Successfully created instance ${what}` },
  };
}

const lookDirectly = (snapshot: Snapshot, why: string): Decision => ({
  kind: "look-up",
  how: "direct",
  startedAfterMs: snapshot.nowMs,
  why,
});

/** A person's word that the instance of this ID or token is gone. */
export const confirmedGone = (machine: Machine, idOrToken: string): boolean =>
  machine.metadata.annotations?.[ANNOTATION_CONFIRM_GONE] === idOrToken;
