/** Label selectors as objects; their text form has a file of its own. */
import { arrayAt, objectAt, objectsAt, stringAt } from "../object.ts";

export type Labels = Record<string, string>;

/** A `metav1.LabelSelector`; an empty one matches everything. */
export function matchesSelectorObject(selector: unknown, labels: Labels): boolean {
  const wanted = Object.entries(objectAt(selector, "matchLabels"));
  return (
    wanted.every(([key, value]) => labels[key] === value) &&
    objectsAt(selector, "matchExpressions").every((expression) => {
      const value = labels[stringAt(expression, "key")];
      const values = arrayAt(expression, "values");
      switch (stringAt(expression, "operator")) {
        case "In":
          return value !== undefined && values.includes(value);
        case "NotIn":
          return value === undefined || !values.includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
        default:
          return false;
      }
    })
  );
}

/** The text form of a selector object, as `scale` reports it: by key. */
export function formatSelectorObject(selector: unknown): string {
  if (typeof selector === "string") return selector;
  const equalities = Object.entries(objectAt(selector, "matchLabels")).map(([key, value]) => ({
    key,
    text: `${key}=${String(value)}`,
  }));
  const expressions = objectsAt(selector, "matchExpressions").map((expression) => {
    const key = stringAt(expression, "key");
    const operator = stringAt(expression, "operator");
    if (operator === "Exists") return { key, text: key };
    if (operator === "DoesNotExist") return { key, text: `!${key}` };
    return {
      key,
      text: `${key} ${operator.toLowerCase()} (${arrayAt(expression, "values").map(String).sort().join(",")})`,
    };
  });
  const byKey = [...equalities, ...expressions].sort((a, b) => (a.key === b.key ? 0 : a.key < b.key ? -1 : 1));
  return byKey.map(({ text }) => text).join(",");
}
