/** Role-based access control over the roles and bindings in the store. */
import { arrayAt, objectAt, objectsAt, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Storage } from "../storage/storage.ts";
import type { Attributes, Opinion } from "./authorize.ts";
import type { User } from "./user.ts";

type Binding = {
  namespace: string;
  subjects: JsonObject[];
  rules: JsonObject[];
  /** `RoleBinding "b/default" of Role "r"`. */
  title: string;
};

export type Rbac = {
  opinion: Opinion;
  /** The rules that hold for a user in a namespace, cluster-wide ones included. */
  rulesFor(user: User, namespace: string): JsonObject[];
  /** The rules of a role; of a ClusterRole where the namespace is "". */
  roleRules(namespace: string, name: string): readonly JsonObject[] | undefined;
  /** Which binding allows it, in the API server's words; "" when none does. */
  reasonFor(user: User, attributes: Attributes): string;
};

const GROUP = "rbac.authorization.k8s.io";
const RESOURCES = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"].map(
  (plural) => `${plural}.${GROUP}`,
);

export function createRbac(storage: Storage): Rbac {
  let bindings: Binding[] | undefined;
  storage.subscribe((changes) => {
    if (changes.some((change) => RESOURCES.includes(change.resource))) bindings = undefined;
  });
  const bindingsNow = (): Binding[] => (bindings ??= readBindings(storage));
  const roleRules: Rbac["roleRules"] = (namespace, name) => {
    const resource = `${namespace === "" ? "clusterroles" : "roles"}.${GROUP}`;
    const stored = storage.get({ resource, namespace, name });
    return stored === undefined ? undefined : objectsAt(JSON.parse(stored.json), "rules");
  };
  const bindingsIn = (namespace: string): Binding[] =>
    bindingsNow().filter((binding) => binding.namespace === "" || binding.namespace === namespace);
  const rulesFor = (user: User, namespace: string): JsonObject[] =>
    bindingsIn(namespace)
      .filter((binding) => subjectFor(user, binding) !== undefined)
      .flatMap((binding) => binding.rules);
  return {
    rulesFor,
    roleRules,
    reasonFor(user, attributes) {
      for (const binding of bindingsIn("path" in attributes ? "" : attributes.namespace)) {
        const subject = subjectFor(user, binding);
        if (subject === undefined || !binding.rules.some((rule) => ruleAllows(rule, attributes))) continue;
        const namespace = stringAt(subject, "namespace");
        const name = `${stringAt(subject, "name")}${namespace === "" ? "" : `/${namespace}`}`;
        return `RBAC: allowed by ${binding.title} to ${stringAt(subject, "kind")} ${JSON.stringify(name)}`;
      }
      return "";
    },
    opinion: (user, attributes) => {
      const namespace = "path" in attributes ? "" : attributes.namespace;
      return rulesFor(user, namespace).some((rule) => ruleAllows(rule, attributes)) ? true : undefined;
    },
  };
}

function readBindings(storage: Storage): Binding[] {
  const read = (plural: string): KubeObject[] =>
    storage.list({ resource: `${plural}.${GROUP}` }).map(({ json }) => JSON.parse(json) as KubeObject);
  const roles = new Map<string, JsonObject[]>();
  for (const role of [...read("clusterroles"), ...read("roles")]) {
    roles.set(`${role.metadata.namespace ?? ""}/${role.metadata.name}`, objectsAt(role, "rules"));
  }
  return [...read("clusterrolebindings"), ...read("rolebindings")].map((binding) => {
    const namespace = binding.metadata.namespace ?? "";
    const reference = objectAt(binding, "roleRef");
    const roleNamespace = stringAt(reference, "kind") === "Role" ? namespace : "";
    return {
      namespace,
      title: `${binding.kind} ${JSON.stringify(titleOf(binding))} of ${stringAt(reference, "kind")} ${JSON.stringify(stringAt(reference, "name"))}`,
      subjects: objectsAt(binding, "subjects"),
      rules: roles.get(`${roleNamespace}/${stringAt(reference, "name")}`) ?? [],
    };
  });
}

function titleOf({ metadata: { name, namespace } }: KubeObject): string {
  return namespace === undefined ? name : `${name}/${namespace}`;
}

function subjectFor(user: User, { subjects, namespace }: Binding): JsonObject | undefined {
  return subjects.find((subject) => isSubject(user, subject, namespace));
}

function isSubject(user: User, subject: JsonObject, bindingNamespace: string): boolean {
  const name = stringAt(subject, "name");
  switch (stringAt(subject, "kind")) {
    case "User":
      return user.name === name;
    case "Group":
      return user.groups.includes(name);
    case "ServiceAccount":
      return user.name === `system:serviceaccount:${stringAt(subject, "namespace") || bindingNamespace}:${name}`;
    default:
      return false;
  }
}

export function ruleAllows(rule: JsonObject, attributes: Attributes): boolean {
  if (!includes(rule, "verbs", attributes.verb)) return false;
  if ("path" in attributes) {
    return arrayAt(rule, "nonResourceURLs").some((pattern) => matchesPath(String(pattern), attributes.path));
  }
  const { group, plural, subresource, name } = attributes;
  if (!includes(rule, "apiGroups", group)) return false;
  const full = subresource === "" ? plural : `${plural}/${subresource}`;
  const resources = arrayAt(rule, "resources");
  const named = resources.includes("*") || resources.includes(full);
  if (!named && !(subresource !== "" && resources.includes(`*/${subresource}`))) return false;
  const names = arrayAt(rule, "resourceNames");
  return names.length === 0 || names.includes(name);
}

function includes(rule: JsonObject, field: string, value: string): boolean {
  const values = arrayAt(rule, field);
  return values.includes("*") || values.includes(value);
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}
