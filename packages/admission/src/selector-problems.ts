/** Whether a selector selects, and selects what the template makes. */
import { selectorProblem } from "@machine-controller/api";
import { isObject } from "./admission.ts";

/** @param spec parsed, but perhaps with problems of its own, which are not repeated. */
export function selectorProblems({ selector, template }: { selector?: unknown; template?: unknown }): string[] {
  if (!isObject(selector)) return [];
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (!isObject(matchLabels) || !Array.isArray(matchExpressions) || !matchExpressions.every(isObject)) return [];
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) {
    return ["spec.selector: must not be empty; add the labels of spec.template.metadata as matchLabels"];
  }
  const metadata = isObject(template) && isObject(template["metadata"]) ? template["metadata"] : {};
  const labels = isObject(metadata["labels"]) ? (metadata["labels"] as Record<string, string>) : {};
  const problem = selectorProblem(selector, labels);
  return problem === undefined ? [] : [problem];
}
