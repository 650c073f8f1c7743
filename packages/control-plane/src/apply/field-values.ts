/** From values to field sets and back: what an object sets, what changed, merging, and removing. */
import { isEqual, isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { difference, EMPTY, MEMBER, withChildren } from "./field-set.ts";
import type { FieldSet } from "./field-set.ts";
import { itemKey } from "./typing.ts";
import type { Typing } from "./typing.ts";

/** Every field the value sets. `isNew`: the objects and lists on the way came with it, and count as well. */
export function fieldsOf(value: unknown, typing: Typing, isNew = false): FieldSet {
  if (value === null && typing.isCollection && isNew) return EMPTY;
  if (isJsonObject(value) && !typing.isAtomic) {
    const entries = Object.entries(value);
    if (entries.length === 0) return MEMBER;
    return withChildren(
      isNew,
      entries.map(([name, inner]) => {
        const field = typing.field(name);
        const inside = fieldsOf(inner, field, isNew);
        return [`f:${name}`, field.isEntry ? { ...inside, isMember: true } : inside] as const;
      }),
    );
  }
  if (Array.isArray(value) && typing.list.kind !== "atomic" && value.length > 0) {
    return withChildren(
      isNew,
      value.map((item) => {
        const inside = typing.list.kind === "map" ? fieldsOf(item, typing.item(), isNew) : EMPTY;
        return [itemKey(item, typing.list), { ...inside, isMember: true }] as const;
      }),
    );
  }
  return MEMBER;
}

/** The fields of `next` that `old` does not have, or has otherwise. */
export function changedFields(before: unknown, next: unknown, typing: Typing): FieldSet {
  if (isEqual(before, next)) return EMPTY;
  const old = before ?? nothingLike(next, typing);
  if (isJsonObject(old) && isJsonObject(next) && !typing.isAtomic && Object.keys(next).length > 0) {
    return differing(next, old, typing, (name, field) => changedFields(old[name], next[name], field));
  }
  if (Array.isArray(old) && Array.isArray(next) && typing.list.kind !== "atomic" && next.length > 0) {
    const before = new Map(old.map((item) => [itemKey(item, typing.list), item as unknown]));
    return withChildren(
      false,
      next.map((item) => {
        const key = itemKey(item, typing.list);
        if (before.has(key)) return [key, changedFields(before.get(key), item, typing.item())] as const;
        return [
          key,
          { ...(typing.list.kind === "map" ? fieldsOf(item, typing.item(), true) : EMPTY), isMember: true },
        ] as const;
      }),
    );
  }
  return fieldsOf(next, typing, true);
}

/** What a list or map that is null is as good as. */
function nothingLike(value: unknown, { isCollection }: Typing): unknown {
  return isCollection ? (Array.isArray(value) ? [] : {}) : null;
}

/** The fields of `old` that `next` has no more. */
export function removedFields(old: unknown, next: unknown, typing: Typing): FieldSet {
  if (isEqual(old, next)) return EMPTY;
  if (isJsonObject(old) && isJsonObject(next) && !typing.isAtomic && hasFields(old) && hasFields(next)) {
    return differing(old, next, typing, (name, field) => removedFields(old[name], next[name], field));
  }
  return difference(fieldsOf(old, typing, true), fieldsOf(next, typing, true));
}

/** All of those fields of `value` that `other` does not have, and what `inside` says of those that it has otherwise. */
// oxlint-disable-next-line max-params -- both sides, their type and the rest of the way down
function differing(
  value: JsonObject,
  other: JsonObject,
  typing: Typing,
  inside: (name: string, field: Typing) => FieldSet,
): FieldSet {
  const children: [string, FieldSet][] = [];
  for (const name of Object.keys(value)) {
    const isAlone = !(name in other);
    // Most fields stay, and their type need not even be looked up.
    if (!isAlone && isEqual(value[name], other[name])) continue;
    const field = typing.field(name);
    children.push([`f:${name}`, isAlone ? fieldsOf(value[name], field, true) : inside(name, field)]);
  }
  return withChildren(false, children);
}

function hasFields(value: JsonObject): boolean {
  return Object.keys(value).length > 0;
}

/** `live` with what `applied` says laid over it. */
export function mergeApplied(live: unknown, applied: unknown, typing: Typing): unknown {
  if (isJsonObject(live) && isJsonObject(applied) && !typing.isAtomic) {
    const merged: JsonObject = { ...live };
    for (const [name, inner] of Object.entries(applied)) {
      merged[name] = name in live ? mergeApplied(live[name], inner, typing.field(name)) : inner;
    }
    return merged;
  }
  if (Array.isArray(live) && Array.isArray(applied) && typing.list.kind !== "atomic") {
    const byKey = (list: unknown[]): Map<string, unknown> =>
      new Map(list.map((item) => [itemKey(item, typing.list), item]));
    const [before, wanted] = [byKey(live), byKey(applied)];
    return mergedOrder([...before.keys()], [...wanted.keys()]).map((key) => {
      if (!wanted.has(key)) return before.get(key);
      return before.has(key) ? mergeApplied(before.get(key), wanted.get(key), typing.item()) : wanted.get(key);
    });
  }
  return applied;
}

/** What is applied comes in its order; the rest stays behind the neighbour that it had. */
function mergedOrder(live: readonly string[], applied: readonly string[]): string[] {
  const isApplied = new Set(applied);
  const isLive = new Set(live);
  const result = new Set<string>();
  const shared = applied.filter((key) => isLive.has(key));
  const left = [...live];
  const right = [...applied];
  while (left.length > 0 || right.length > 0) {
    const [own = "", next = ""] = [left[0], right[0]];
    const isOwn = left.length > 0 && !isApplied.has(own);
    if (isOwn) {
      result.add(own);
      left.shift();
    } else if (left.length > 0 && (result.has(own) || (right.length > 0 && own !== next && shared[0] !== own))) {
      // Its turn comes, or has come, with what is applied.
      left.shift();
    } else {
      result.add(next);
      right.shift();
      if (shared[0] === next) shared.shift();
      if (own === next) left.shift();
    }
  }
  return [...result];
}

/** The value without the fields in the set; `undefined` when nothing of it is left to keep. */
export function withoutFields(value: unknown, gone: FieldSet, typing: Typing): unknown {
  if (gone.children.size === 0) return gone.isMember ? undefined : value;
  if (isJsonObject(value)) {
    const kept: JsonObject = { ...value };
    for (const [key, inner] of gone.children) {
      const name = key.slice(2);
      if (!(name in kept)) continue;
      const left = withoutFields(kept[name], inner, typing.field(name));
      if (left === undefined) delete kept[name];
      else kept[name] = left;
    }
    return Object.keys(kept).length === 0 ? undefined : kept;
  }
  if (!Array.isArray(value)) return value;
  const kept = value.flatMap((item) => {
    const inner = gone.children.get(itemKey(item, typing.list));
    if (inner === undefined) return [item as unknown];
    if (inner.isMember) return [];
    return [withoutFields(item, inner, typing.item()) ?? {}];
  });
  return kept.length === 0 ? undefined : kept;
}
