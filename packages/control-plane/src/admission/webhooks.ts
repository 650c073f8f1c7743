/** Admission by webhooks: mutating ones in order of name, each seeing the work of those before; then validating ones at once. */
import { applyJsonPatch } from "../patch/json-patch.ts";
import { isEqual } from "../object.ts";
import type { LogLine } from "../log-line.ts";
import type { KubeObject } from "../object.ts";
import { randomUuid } from "../random.ts";
import type { Random } from "../random.ts";
import { convertObject } from "../registry/conversion.ts";
import type { Registry } from "../registry/registry.ts";
import type { Resource } from "../registry/resource.ts";
import { StatusError } from "../status-error.ts";
import type { Storage } from "../storage/storage.ts";
import { callWebhook, conditionFailure, denial, dryRunRefusal, internalError } from "./call.ts";
import type { Caller } from "./call.ts";
import { createMatchConditions } from "./match-conditions.ts";
import { formFor, matchWebhook } from "./match.ts";
import type { Surroundings } from "./match.ts";
import { toReview } from "./review.ts";
import type { Verdict, Write } from "./review.ts";
import { createWebhookList } from "./webhook.ts";
import type { Webhook, WebhookType } from "./webhook.ts";

export type Webhooks = {
  /** Whether a webhook may want to hear of such a write; cheap when there are none. */
  concern(type: WebhookType, write: Pick<Write, "operation" | "resource" | "subresource">): boolean;
  /** Returns the object as the webhooks leave it. Rejects with their refusal. */
  mutate(write: Write, options: ReviewOptions): Promise<KubeObject | undefined>;
  validate(write: Write, options: ReviewOptions): Promise<void>;
};

export type ReviewOptions = {
  /** Collects what webhooks want the client to be warned of. */
  warnings: string[];
  signal: AbortSignal;
  /** Defaults and prunes an object that a webhook changed. */
  reshape?(object: KubeObject): void;
};

export type WebhooksOptions = Caller & {
  storage: Storage;
  /** Read at call time, as kinds come and go. */
  registry: Registry;
  random: Random;
  log: (line: LogLine) => void;
};

/** Webhooks have no say over what configures admission: nobody could remove a broken one. */
const EXEMPT = ["mutating", "validating"].map((type) => `${type}webhookconfigurations.admissionregistration.k8s.io`);

export function createWebhooks(options: WebhooksOptions): Webhooks {
  const { storage, registry, random, log } = options;
  const list = createWebhookList(storage);
  const meetsConditions = createMatchConditions();
  const surroundings: Surroundings = {
    forms: (resource) => registry.all().filter((other) => other.storage === resource.storage),
    namespaceLabels(namespace) {
      const stored = storage.get({ resource: "namespaces", namespace: "", name: namespace });
      return stored === undefined ? undefined : ((JSON.parse(stored.json) as KubeObject).metadata.labels ?? {});
    },
  };

  /** `undefined`: not asked, or its failure is to be ignored. */
  async function ask(webhook: Webhook, write: Write, review: ReviewOptions): Promise<Answer | undefined> {
    const served = matchWebhook(webhook, write, surroundings);
    if (served === undefined) return undefined;
    try {
      if (!meetsConditions(webhook, write)) return undefined;
    } catch (error) {
      if (webhook.failurePolicy === "Fail") throw conditionFailure(write, error);
      return undefined;
    }
    if (write.dryRun && !webhook.takesDryRun) throw dryRunRefusal(webhook);
    try {
      const body = toReview(write, { uid: randomUuid(random), served });
      const verdict = await callWebhook(options, { webhook, review: body, signal: review.signal });
      return { verdict, served };
    } catch (error) {
      if (webhook.failurePolicy === "Fail" || review.signal.aborted) throw internalError(error);
      log({ level: "warn", message: "webhook failed and is ignored", webhook: webhook.name, error: String(error) });
      return undefined;
    }
  }

  async function judge(webhook: Webhook, write: Write, review: ReviewOptions): Promise<Answer | undefined> {
    const answer = await ask(webhook, write, review);
    if (answer === undefined) return undefined;
    review.warnings.push(...answer.verdict.warnings);
    if (!answer.verdict.allowed) throw denial(webhook, answer.verdict);
    return answer;
  }

  return {
    concern: (type, write) =>
      !EXEMPT.includes(write.resource.storage) &&
      list(type).some((webhook) => formFor(webhook, write, surroundings) !== undefined),

    async mutate(write, review) {
      const current = { ...write };
      /** Those that may want another look, as something changed after their turn. */
      let seen: Webhook[] = [];
      const again = new Set<Webhook>();
      const run = async (webhook: Webhook): Promise<void> => {
        const answer = await judge(webhook, current, review);
        const before = current.object;
        if (answer !== undefined && before !== undefined) {
          const after = patched(before, write.resource, answer);
          if (after !== before && !isEqual(after, before)) {
            review.reshape?.(after);
            current.object = after;
            for (const earlier of seen) again.add(earlier);
            seen = [];
          }
        }
        if (answer !== undefined && webhook.reinvocationPolicy === "IfNeeded") seen.push(webhook);
      };
      const webhooks = list("mutating");
      for (const webhook of webhooks) await run(webhook);
      for (const webhook of webhooks.filter((candidate) => again.has(candidate))) await run(webhook);
      return current.object;
    },

    async validate(write, review) {
      const outcomes = await Promise.allSettled(list("validating").map((webhook) => judge(webhook, write, review)));
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    },
  };
}

type Answer = { verdict: Verdict; served: Resource };

function patched(object: KubeObject, resource: Resource, { verdict, served }: Answer): KubeObject {
  if (verdict.patch === undefined) return object;
  try {
    const result = applyJsonPatch(convertObject(object, resource, served), verdict.patch) as KubeObject;
    return convertObject(result, served, resource);
  } catch (error) {
    throw internalError(error instanceof StatusError && error.cause instanceof Error ? error.cause : error);
  }
}
