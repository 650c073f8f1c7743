/** Assertions on answers, in few words. */
import assert from "node:assert/strict";
import { isEqual, isJsonObject, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Answer, Watch, WatchEvent } from "./world.ts";

/** The answer has this code and at least these fields; returns its body. */
export function expectBody(answer: Answer, status: number, fields: object = {}): Answer["body"] {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.partialDeepStrictEqual(answer.body, fields);
  return answer.body;
}

export type Refusal = {
  /** None: the server gives none. */ reason?: string;
  message: string | RegExp;
  details?: object;
};

/** The answer is a Status of failure with these words and, where given, these details exactly. */
export function expectRefusal(answer: Answer, status: number, { reason, message, details }: Refusal): void {
  const { body } = answer;
  assert.equal(answer.status, status, JSON.stringify(body));
  assert.partialDeepStrictEqual(body, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    code: status,
  });
  assert.equal(body["reason"], reason);
  if (typeof message === "string") assert.equal(body["message"], message);
  else assert.match(String(body["message"]), message);
  if (details !== undefined) assert.deepEqual(body["details"], details);
}

export type FieldProblem = { field: string; reason: string; message: string | RegExp };

/** The answer is a 422 that names exactly these fields, in this order; a cause that is repeated counts once. */
export function expectInvalid(answer: Answer, problems: readonly FieldProblem[]): void {
  assert.equal(answer.status, 422, JSON.stringify(answer.body));
  assert.equal(answer.body["reason"], "Invalid");
  const all = itemsAt(answer.body, "details.causes");
  const causes = all.filter((cause, index) => all.findIndex((earlier) => isEqual(earlier, cause)) === index);
  assert.deepEqual(
    causes.map(({ field, reason }) => `${String(field)} ${String(reason)}`),
    problems.map(({ field, reason }) => `${field} ${reason}`),
  );
  for (const [index, { message }] of problems.entries()) {
    const actual = String(causes[index]?.["message"]);
    if (typeof message === "string") assert.equal(actual, message);
    else assert.match(actual, message);
  }
}

/** The list at a dotted path; empty when there is none. */
export function itemsAt(value: unknown, path: string): JsonObject[] {
  const list = valueAt(value, path);
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

export function namesOf({ body }: Answer): string[] {
  return (body["items"] as KubeObject[]).map((item) => item.metadata.name);
}

/** The next `count` events, bookmarks left out. */
export async function takeEvents(watch: Watch, count: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  while (events.length < count) {
    const event = await watch.next();
    assert.ok(event, `the watch ended after ${events.map(({ type }) => type).join(", ") || "no event"}`);
    if (event.type !== "BOOKMARK") events.push(event);
  }
  return events;
}

/** `ADDED a`, `DELETED b`. */
export function describeEvents(events: readonly WatchEvent[]): string[] {
  return events.map(({ type, object }) => `${type} ${object.metadata.name}`);
}
