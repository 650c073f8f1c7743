/** Deliberate bugs in the life of a Machine. */
import type { Mutation } from "./mutation.ts";

const MACHINE = "packages/controllers/src/machine";

export const MACHINE_MUTATIONS: readonly Mutation[] = [
  {
    name: "creates before the intent is written",
    file: `${MACHINE}/decide-creation.ts`,
    find: `  return {
    kind: "patch-machine",
    why: "the intent is written down before`,
    replace: `  const { annotations } = intentPatch(snapshot, { attempt: 1, account }).metadata;
  const intent = JSON.parse(annotations[ANNOTATION_CREATE_INTENT]);
  if (true) return { kind: "create", why: "mutated", intent };
  return {
    kind: "patch-machine",
    why: "the intent is written down before`,
    why: "A crash after the creation leaves an instance that nothing points to.",
    within: 30,
  },
  {
    name: "does not wait for an earlier attempt to show up",
    file: `${MACHINE}/decide-creation.ts`,
    find: `if (provider.idempotency.class === "tag-scan") {`,
    replace: `if (false) {`,
    why: "On a cloud with tags only, a creation whose outcome is unknown is repeated too early.",
    within: 40,
    cloud: "plain-tag",
  },
  {
    name: "takes a lost answer for a refusal",
    file: `${MACHINE}/act.ts`,
    find: `throw instance === undefined && isRefusal(error) ? error : new CreateOutcomeUnknown(clock.now(), error);`,
    replace: `throw error;`,
    why: "An instance that was created and never heard of is created again.",
    within: 40,
    cloud: "plain-tag",
  },
  {
    name: "believes one read that finds nothing",
    file: `${MACHINE}/decide-life.ts`,
    find: `const apartAt = absent.firstAt + provider.idempotency.consistencyMs;`,
    replace: `const apartAt = absent.firstAt;`,
    why: "A read that is behind makes a living instance look gone, and it is replaced.",
    within: 40,
    cloud: "plain-token",
  },
  {
    name: "reuses the token of the first attempt",
    file: `${MACHINE}/decide-creation.ts`,
    find: "token: attempt === 1 ? uid : `${uid}-${attempt}`,",
    replace: "token: uid,",
    why: "The cloud answers a replacement with the instance that is gone.",
    within: 40,
    cloud: "plain-token",
  },
  {
    name: "never writes the record",
    file: `${MACHINE}/decide-creation.ts`,
    find: `[ANNOTATION_INSTANCE]: JSON.stringify(record) } },`,
    replace: `} },`,
    why: "The instance's ID is forgotten, and the Machine never comes to rest.",
    within: 5,
  },
  {
    name: "drops the finalizer first",
    file: `${MACHINE}/decide-deletion.ts`,
    find: `  if (!abandoned) {`,
    replace: `  if (false) {`,
    why: "A deleted Machine leaves its instance behind.",
    within: 20,
  },
  {
    name: "takes a deletion that was asked for as done",
    file: `${MACHINE}/decide-deletion.ts`,
    find: `  if (absent === undefined) {
    const interval`,
    replace: `  if (absent === undefined) return undefined;
  if (absent === undefined) {
    const interval`,
    why: "A deletion that fails in the cloud leaks the instance.",
    within: 20,
  },
  {
    name: "does not ask whose credential it is before it gives up an instance",
    file: `${MACHINE}/decide-deletion.ts`,
    find: `if (recorded === undefined || knowledge.account === recorded) return undefined;`,
    replace: `if (true) return undefined;`,
    why: "With the token of another account every instance looks gone.",
    within: 120,
  },
  {
    name: "lets go before an earlier request has had its effect",
    file: `${MACHINE}/decide-deletion.ts`,
    find: `return intent === undefined ? Math.max(settledAt, apartAt) : settledAt;`,
    replace: `return -Infinity;`,
    why: "A creation that is still under way when its Machine is deleted leaks the instance.",
    within: 150,
    escapes: true,
  },
  {
    name: "is Ready as soon as a Node is there",
    file: `${MACHINE}/status.ts`,
    find: `const ready = node !== undefined && isNodeReady(node);`,
    replace: `const ready = node !== undefined;`,
    why: "A status claims what is not so.",
    within: 10,
  },
  {
    name: "writes a status that is already so",
    file: `${MACHINE}/status-patch.ts`,
    find: `if (changes.length === 0 && onlyRunning) return undefined;`,
    replace: ``,
    why: "A write loop: each write is an event that leads to the next.",
    within: 5,
  },
  {
    name: "retries a failure at once",
    file: `${MACHINE}/controller.ts`,
    find: `retryAtMs: nowMs + Math.max(error.retryAfterMs ?? 0, backoffMs) };`,
    replace: `retryAtMs: nowMs + (backoffMs > 0 ? 20 : 0) };`,
    why: "A cloud that refuses is asked without a pause.",
    within: 60,
    escapes: true,
  },
  {
    name: "gives a Machine no time to join",
    file: `${MACHINE}/decide-life.ts`,
    find: `return (hadNode ? lostAt : Date.parse(record.at)) + joinClusterTimeoutMs;`,
    replace: `return (hadNode ? lostAt : Date.parse(record.at)) + Math.min(joinClusterTimeoutMs, 1_000 + joinClusterTimeoutMs / 1e9);`,
    why: "Machines are replaced for ever.",
    within: 40,
  },
];
