/** Field selectors: comma-separated `path=value`, `path==value`, `path!=value` over the paths a kind offers. */
import { arrayAt, isJsonObject, stringAt, textOf, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { badRequest } from "../status-error.ts";

export type FieldPredicate = (object: KubeObject) => boolean;
type Requirement = { path: string; equals: boolean; value: string };

export function parseFieldSelector(text: string, resource: Resource): FieldPredicate {
  const requirements = parseRequirements(text);
  for (const { path } of requirements) {
    const known =
      path === "metadata.name" ||
      (path === "metadata.namespace" && resource.namespaced) ||
      resource.selectableFields.includes(path);
    if (!known) throw unknownField(path, resource);
  }
  return (object) => requirements.every(({ path, equals, value }) => (fieldValue(object, path) === value) === equals);
}

function unknownField(path: string, { custom, namespaced, selectableFields }: Resource): Error {
  if (custom || selectableFields.length > 0) return badRequest(`field label not supported: ${path}`);
  const known = ["metadata.name", ...(namespaced ? ["metadata.namespace"] : [])].map((name) => JSON.stringify(name));
  return badRequest(`${JSON.stringify(path)} is not a known field selector: only ${known.join(", ")}`);
}

/** The one name a selector admits, so that a list of one need not read them all. */
export function selectedName(text: string): string | undefined {
  return parseRequirements(text).find(({ path, equals }) => path === "metadata.name" && equals)?.value;
}

function parseRequirements(text: string): Requirement[] {
  return text
    .split(/(?<!\\),/)
    .filter((part) => part !== "")
    .map((part) => {
      const match = /^([^=!]+)(==|!=|=)(.*)$/s.exec(part);
      if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
      const [, path = "", operator, value = ""] = match;
      return { path, equals: operator !== "!=", value: value.replace(/\\([\\,=])/g, "$1") };
    });
}

function fieldValue(object: KubeObject, path: string): string {
  if (object.kind === "Event" && path === "source") {
    return stringAt(object["source"], "component") || stringAt(object, "reportingComponent");
  }
  if (object.kind === "Event" && path === "reportingComponent") return stringAt(object, "reportingComponent");
  if (object.kind === "Job" && path === "status.successful") return textOf(valueAt(object, "status.succeeded"), "0");
  if (object.kind === "Node" && path === "spec.unschedulable") {
    return textOf(valueAt(object, path), "false");
  }
  if (path === "status.podIP") {
    const first = arrayAt(object["status"], "podIPs").find(isJsonObject);
    return stringAt(object["status"], "podIP") || stringAt(first, "ip");
  }
  return textOf(valueAt(object, path));
}
