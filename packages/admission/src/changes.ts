/** What an update changes, by meaning: only that is checked, so a rule that is new never stops an unrelated change. */
import { canonicalTemplate } from "@machine-controller/api";
import { type AdmissionRequest, isObject, type Raw, sameMeaning } from "./admission.ts";

export type Changes = {
  /** No part of the spec differs; always false on CREATE. */
  none: boolean;
  /** Whether the part of the spec that a path such as `spec.template.spec` leads into differs. */
  at(path: string): boolean;
  /** A selector may change, as the Go implementation lets it; what that does deserves a word. */
  selectorWarnings(selected: string): string[];
};

export function createChanges({ operation, object, oldObject }: AdmissionRequest): Changes {
  if (operation !== "UPDATE" || oldObject === undefined) {
    return { none: false, at: () => true, selectorWarnings: () => [] };
  }
  const before = specOf(oldObject);
  const after = specOf(object);
  const changed = new Set([...Object.keys(before), ...Object.keys(after)].filter((part) => differs(part)));
  function differs(part: string): boolean {
    if (part === "template" && isTemplate(before[part]) && isTemplate(after[part])) {
      return canonicalTemplate(before[part]) !== canonicalTemplate(after[part]);
    }
    return !sameMeaning(before[part], after[part]);
  }
  return {
    none: changed.size === 0,
    at(path) {
      const part = path.split(/[.[]/)[1];
      return part === undefined ? changed.size > 0 : changed.has(part);
    },
    selectorWarnings: (selected) =>
      changed.has("selector")
        ? [`spec.selector: was changed; ${selected} that it no longer selects are left to themselves`]
        : [],
  };
}

const specOf = ({ spec }: Raw): Raw => (isObject(spec) ? spec : {});
const isTemplate = (value: unknown): value is Parameters<typeof canonicalTemplate>[0] => isObject(value);
