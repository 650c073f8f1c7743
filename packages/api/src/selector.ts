/** Label selectors as Machines are selected by: matchLabels and matchExpressions, all of which must hold. */
import type { LabelSelector } from "./object-meta.ts";

type Labels = Readonly<Record<string, string>>;

/** An empty selector selects nothing here, so that a forgotten one cannot take over a namespace. */
export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels = {}): boolean {
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) return false;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
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

/** The selector as text, in the form of `kubectl --selector`. */
export const formatSelector = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string =>
  [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      switch (operator) {
        case "In":
          return `${key} in (${values.join(",")})`;
        case "NotIn":
          return `${key} notin (${values.join(",")})`;
        case "DoesNotExist":
          return `!${key}`;
        default:
          return key;
      }
    }),
  ].join(",");

/** Why a selector cannot work with a template; undefined when it can. */
export function selectorProblem(selector: LabelSelector, templateLabels: Labels | undefined): string | undefined {
  const known = ["In", "NotIn", "Exists", "DoesNotExist"];
  const odd = selector.matchExpressions?.find(({ operator }) => !known.includes(operator));
  if (odd) return `spec.selector.matchExpressions: operator "${odd.operator}" is not one of ${known.join(", ")}`;
  if (selects(selector, templateLabels)) return undefined;
  return `spec.selector does not match spec.template.metadata.labels; add its labels to the template`;
}
