/** Whether the API server takes what a manifest gives Nodes and Machines: one that it refuses never comes to be, or to rest. */
import { Type } from "typebox";
import { MachineSpec } from "./machine.ts";
import { nearestName } from "./nearest-name.ts";
import { type Taint, TemplateMeta } from "./object-meta.ts";
import { parseAs, type Problem } from "./parse.ts";

const DNS_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const WORD = /^[a-z0-9]([-\w.]*[a-z0-9])?$/i;
const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const LETTERS = `letters, digits, "-", "_" and "."`;
const KEY_FORM = `use at most 63 ${LETTERS}, behind a domain and "/" if need be`;

const NodePart = Type.Object({ metadata: MachineSpec.properties.metadata, taints: MachineSpec.properties.taints });

/**
 * Of `spec.metadata` and `spec.taints` of a Machine; what is of another type is the schema's to tell.
 * @param path of that spec; it begins every problem's.
 */
export function nodeMetadataProblems(spec: unknown, path: string): Problem[] {
  const { value, problems: shape } = parseAs(NodePart, spec ?? {}, path);
  if (shape.length > 0) return [];
  const { metadata: { name } = {}, taints = [] } = value;
  return [
    ...(name && !isDnsName(name)
      ? [problem(`${path}.metadata.name`, name, `is no name of a Node; use lower-case letters, digits, "-" and "."`)]
      : []),
    ...metadataProblems(value.metadata, `${path}.metadata`),
    ...taints.flatMap((taint, index) => taintProblems(taint, `${path}.taints[${index}]`)),
  ];
}

/** Of labels and annotations. @param path where they stand. */
export function metadataProblems(metadata: unknown, path: string): Problem[] {
  const { value, problems: shape } = parseAs(TemplateMeta, metadata ?? {}, path);
  if (shape.length > 0) return [];
  const { labels = {}, annotations = {} } = value;
  return [
    ...keyProblems(Object.keys(labels), `${path}.labels`),
    ...Object.entries(labels).flatMap(([key, text]) => valueProblems(text, `${path}.labels.${key.slice(0, 80)}`)),
    ...keyProblems(Object.keys(annotations), `${path}.annotations`),
  ];
}

function taintProblems({ key, value = "", effect }: Taint, path: string): Problem[] {
  const nearest = nearestName(effect, EFFECTS);
  const remedy = nearest ? `did you mean "${nearest}"?` : `use one of ${EFFECTS.join(", ")}`;
  return [
    ...keyProblems([key], `${path}.key`),
    ...valueProblems(value, `${path}.value`),
    ...(EFFECTS.includes(effect) ? [] : [problem(`${path}.effect`, effect, `is not supported; ${remedy}`)]),
  ];
}

const keyProblems = (keys: readonly string[], path: string): Problem[] =>
  keys.filter((key) => !isKey(key)).map((key) => problem(path, key, `is not a key that Kubernetes takes; ${KEY_FORM}`));

const valueProblems = (value: string, path: string): Problem[] =>
  value === "" || isWord(value)
    ? []
    : [problem(path, value, `is not a value that Kubernetes takes; use at most 63 ${LETTERS}`)];

function isKey(key: string): boolean {
  const slash = key.indexOf("/");
  return (slash < 0 || isDnsName(key.slice(0, slash))) && isWord(key.slice(slash + 1));
}

const isDnsName = (text: string): boolean => text.length <= 253 && DNS_NAME.test(text);

const isWord = (text: string): boolean => text.length <= 63 && WORD.test(text);

const problem = (path: string, found: string, what: string): Problem => ({
  path,
  message: `"${found.slice(0, 80)}" ${what}`,
});
