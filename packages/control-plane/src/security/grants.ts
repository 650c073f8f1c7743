/** Nobody gives away more than they have: roles, bindings and certificates are held to the rules of who writes them. */
import { arrayAt, isEqual, objectAt, objectsAt, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { forbidden, notFound } from "../status-error.ts";
import type { Authorizer } from "./authorize.ts";
import { checkSigner } from "./certificate-admission.ts";
import type { Grant } from "./certificate-admission.ts";
import { ruleAllows } from "./rbac.ts";
import type { Rbac } from "./rbac.ts";
import type { User } from "./user.ts";

/** Throws Forbidden for a role, a binding or a certificate that gives what its writer lacks, NotFound for a binding to a missing role. */
export type CheckGrant = (grant: Grant) => void;

const GROUP = "rbac.authorization.k8s.io";
const ROLES: Record<string, string> = { Role: "roles", ClusterRole: "clusterroles" };
const BINDINGS = ["RoleBinding", "ClusterRoleBinding"];

export function createGrantCheck({ authorizer, rbac }: { authorizer: Authorizer; rbac: Rbac }): CheckGrant {
  return (grant) => {
    checkSigner(authorizer, grant);
    const { user, resource, old, next } = grant;
    if (resource.group !== GROUP || resource.custom) return;
    if (old !== undefined && isEqual(withoutOwners(old), withoutOwners(next))) return;
    const { name, namespace = "" } = next.metadata;
    const may = (verb: string, target: { plural: string; name: string }): boolean =>
      authorizer.allows(user, { verb, group: GROUP, namespace, subresource: "", ...target });
    const check = (rules: readonly JsonObject[]): void => {
      const missing = notHeld(rules, rbac.rulesFor(user, namespace));
      if (missing.length > 0) throw forbidden(resource, name, refusal(user, missing));
    };
    if (resource.kind in ROLES) {
      if (may("escalate", { plural: resource.plural, name })) return;
      const all = "aggregationRule" in next ? EVERYTHING : [];
      check([...rulesOf(next), ...all]);
    }
    if (!BINDINGS.includes(resource.kind)) return;
    const reference = objectAt(next, "roleRef");
    const kind = stringAt(reference, "kind");
    const role = { plural: ROLES[kind] ?? "", name: stringAt(reference, "name") };
    if (may("bind", role)) return;
    const rules = rbac.roleRules(kind === "Role" ? namespace : "", role.name);
    // The server names the resource of the binding here.
    if (rules === undefined) throw notFound(resource, role.name);
    check(rules);
  };
}

const EVERYTHING: JsonObject[] = [
  { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
  { nonResourceURLs: ["*"], verbs: ["*"] },
];

/** Owners and finalizers may change so that garbage can go. */
function withoutOwners({ metadata, ...rest }: KubeObject): JsonObject {
  const { ownerReferences: _owners, finalizers: _finalizers, managedFields: _managed, ...kept } = metadata;
  return { ...rest, metadata: { ...kept, resourceVersion: "" } };
}

function rulesOf(role: KubeObject): JsonObject[] {
  return objectsAt(role, "rules");
}

/** One resource, or one path, with the verbs that are missing on it. */
type Missing = { text: string; verbs: string[] };

function notHeld(wanted: readonly JsonObject[], held: readonly JsonObject[]): Missing[] {
  const missing = new Map<string, Missing>();
  for (const { text, verb, isHeld } of wanted.flatMap(takeApart)) {
    if (held.some(isHeld)) continue;
    const entry = missing.get(text) ?? { text, verbs: [] };
    if (!entry.verbs.includes(verb)) entry.verbs.push(verb);
    missing.set(text, entry);
  }
  return [...missing.values()];
}

type Piece = { text: string; verb: string; isHeld(rule: JsonObject): boolean };

function takeApart(rule: JsonObject): Piece[] {
  const listOf = (field: string): string[] => arrayAt(rule, field).map(String);
  const names = listOf("resourceNames");
  return listOf("verbs").flatMap((verb) => [
    ...listOf("nonResourceURLs").map((path) => ({
      text: `NonResourceURLs:${quoted(path)}`,
      verb,
      isHeld: (own: JsonObject) => ruleAllows(own, { verb, path }),
    })),
    ...listOf("apiGroups").flatMap((group) =>
      listOf("resources").flatMap((full) =>
        (names.length === 0 ? [""] : names).map((name) => {
          const [plural = "", subresource = ""] = full.split("/");
          return {
            text: `APIGroups:${quoted(group)}, Resources:${quoted(full)}${name === "" ? "" : `, ResourceNames:${quoted(name)}`}`,
            verb,
            isHeld: (own: JsonObject) => ruleAllows(own, { verb, group, plural, subresource, name, namespace: "" }),
          };
        }),
      ),
    ),
  ]);
}

function quoted(...values: string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;
}

function refusal(user: User, missing: readonly Missing[]): string {
  const lines = missing.map(({ text, verbs }) => `{${text}, Verbs:${quoted(...verbs)}}`).sort();
  const who = `user ${JSON.stringify(user.name)} (groups=${quoted(...user.groups)})`;
  return `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join("\n")}`;
}
