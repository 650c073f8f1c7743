/**
 * Lets a transaction, which must not wait, depend on webhooks, which take their time. A write that meets a question
 * without an answer is undone, the question is put, and the write runs again. Answers hold for one state of the old
 * object: if that changed meanwhile, the question is a new one.
 */
import type { KubeObject } from "../object.ts";
import { conflict, MODIFIED_MESSAGE } from "../status-error.ts";
import type { Write } from "./review.ts";
import type { ReviewOptions, Webhooks } from "./webhooks.ts";

/** What a verb asks of admission inside a transaction. */
export type Admission = {
  /** A value that stays the same however often the write runs again: a name, a UID, a time. */
  once<T>(name: string, make: () => T): T;
  /** Whether a webhook may change such a write. */
  mayMutate(write: Pick<Write, "operation" | "resource" | "subresource">): boolean;
  /** The object as mutating webhooks leave it; the very object given when none changed it. */
  mutate(write: Write, reshape: (object: KubeObject) => void): KubeObject | undefined;
  /** Throws when a validating webhook refuses. */
  validate(write: Write): void;
};

/** Like the API server, gives up when the object keeps changing under a patch. */
const MAX_QUESTIONS_PER_OBJECT = 6;

type Answer = { object?: KubeObject | undefined };

/** Thrown through a transaction to undo it. */
class Unanswered extends Error {
  readonly question: { id: string; write: Write; ask: () => Promise<Answer> };

  constructor(question: Unanswered["question"]) {
    super(`unanswered: ${question.id}`);
    this.question = question;
  }
}

export type SessionOptions = { webhooks: Webhooks; signal: AbortSignal; warnings: string[] };

/** Runs `attempt` until all its questions are answered. Its own errors, and refusals of webhooks, pass through. */
export async function withAdmission<T>(
  options: SessionOptions,
  attempt: (admission: Admission) => Promise<T>,
): Promise<T> {
  const { webhooks, signal } = options;
  const answers = new Map<string, Answer>();
  const kept = new Map<string, unknown>();
  const asked = new Map<string, number>();
  const warned: string[] = [];
  const ownWarnings = options.warnings.length;
  const review: ReviewOptions = { warnings: warned, signal };

  const answer = (type: "mutating" | "validating", write: Write, ask: () => Promise<Answer>): Answer => {
    const id = idOf(type, write);
    const found = answers.get(id);
    if (found === undefined) throw new Unanswered({ id, write, ask });
    return found;
  };
  const admission: Admission = {
    once(name, make) {
      if (!kept.has(name)) kept.set(name, make());
      return kept.get(name) as ReturnType<typeof make>;
    },
    mayMutate: (write) => webhooks.concern("mutating", write),
    mutate(write, reshape) {
      if (!webhooks.concern("mutating", write)) return write.object;
      // The transaction's own objects go on changing while webhooks look at them.
      const snapshot = structuredCloneOf(write);
      const result = answer("mutating", write, async () => {
        const object = await webhooks.mutate(snapshot, { ...review, reshape });
        return { object: object === snapshot.object ? undefined : object };
      });
      return result.object === undefined ? write.object : structuredClone(result.object);
    },
    validate(write) {
      if (!webhooks.concern("validating", write)) return;
      const snapshot = structuredCloneOf(write);
      answer("validating", write, async () => {
        await webhooks.validate(snapshot, review);
        return {};
      });
    },
  };

  try {
    for (;;) {
      options.warnings.length = ownWarnings;
      try {
        return await attempt(admission);
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        const { id, write, ask } = error.question;
        const subject = `${write.operation}/${write.namespace}/${write.name}`;
        const times = (asked.get(subject) ?? 0) + 1;
        if (times > MAX_QUESTIONS_PER_OBJECT) throw conflict(write.resource, write.name, MODIFIED_MESSAGE);
        asked.set(subject, times);
        answers.set(id, await ask());
      }
    }
  } finally {
    // A refusal has its warnings too.
    options.warnings.push(...warned);
  }
}

function idOf(type: string, { operation, namespace, name, old }: Write): string {
  return JSON.stringify([type, operation, namespace, name, old?.metadata.uid, old?.metadata.resourceVersion]);
}

function structuredCloneOf(write: Write): Write {
  return {
    ...write,
    ...(write.object === undefined ? {} : { object: structuredClone(write.object) }),
    ...(write.old === undefined ? {} : { old: structuredClone(write.old) }),
  };
}
