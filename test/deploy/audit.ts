// What accounts may do, as roles have it, against what they did, as kube-apiserver's audit log has it.
import { readFileSync } from "node:fs";
import { type Document, isMap, isSeq, parseAllDocuments } from "yaml";

type Request = {
  user: { username: string };
  verb: string;
  objectRef?: { apiGroup?: string; resource: string; subresource?: string; namespace?: string; name?: string };
  responseStatus?: { code: number };
};

/** A verb on a resource, in a namespace or ("") anywhere. */
export type Right = { account: string; namespace: string; what: string };

/** Requests of an account so far. */
export const requestsOf = (auditLog: string, account: string): Request[] =>
  readFileSync(auditLog, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Request)
    .filter(({ user }) => user.username === account);

export const isForbidden = ({ responseStatus }: Request): boolean =>
  responseStatus?.code === 403 || responseStatus?.code === 401;

/** `verb resource[/subresource][.group]`. */
export function describeRequest({ verb, objectRef }: Request): string {
  if (objectRef === undefined) return verb;
  const { resource, subresource, apiGroup = "" } = objectRef;
  return rightTo(verb, subresource ? `${resource}/${subresource}` : resource, apiGroup);
}

export const isUsed = ({ namespace, what }: Right, requests: readonly Request[]): boolean =>
  requests.some(
    (request) =>
      describeRequest(request) === what &&
      !isForbidden(request) &&
      (namespace === "" || request.objectRef?.namespace === namespace),
  );

/**
 * Every right that a rendering's roles give to service accounts. A rule's comment may exempt some of them:
 * `Seldom: get machines, approve signers: why`.
 */
export function rightsGranted(rendering: string): (Right & { isSeldom: boolean })[] {
  const documents = (parseAllDocuments(rendering) as Document[]).filter(({ contents }) => contents !== null);
  const roles = documents.filter((document) => /^(Cluster)?Role$/.test(String(document.get("kind"))));
  const bindings = documents
    .map((document) => document.toJS() as Binding)
    .filter(({ kind }) => /^(Cluster)?RoleBinding$/.test(kind));
  return roles.flatMap((role) => {
    const { kind, metadata } = role.toJS() as Binding;
    const { namespace = "" } = metadata;
    const accounts = bindings
      .filter(({ roleRef, metadata: { namespace: at = "" } }) => {
        return roleRef.kind === kind && roleRef.name === metadata.name && at === namespace;
      })
      .flatMap(({ subjects }) =>
        subjects.map((subject) => `system:serviceaccount:${subject.namespace}:${subject.name}`),
      );
    return rulesOf(role).flatMap(({ rule, seldom }) =>
      rightsOf(rule).flatMap((what) =>
        accounts.map((account) => ({ account, namespace, what, isSeldom: seldom.has(what.replace(/\..*$/, "")) })),
      ),
    );
  });
}

type Rule = { apiGroups: string[]; resources: string[]; verbs: string[] };
type Binding = {
  kind: string;
  metadata: { name: string; namespace?: string };
  roleRef: { kind: string; name: string };
  subjects: { name: string; namespace: string }[];
};

function rulesOf(role: Document): { rule: Rule; seldom: Set<string> }[] {
  const rules = role.get("rules");
  if (!isSeq(rules)) throw new Error(`${String(role.getIn(["metadata", "name"]))} has no rules`);
  return rules.items.filter(isMap).map((item, index) => {
    // The parser gives what stands before the first item to the list.
    const comment = (item.commentBefore ?? (index === 0 ? rules.commentBefore : "") ?? "").replaceAll(/\s+/g, " ");
    const [, list = ""] = /Seldom: ([^:]+):/.exec(comment) ?? [];
    return { rule: item.toJS(role) as Rule, seldom: new Set(list.split(", ")) };
  });
}

const rightsOf = ({ apiGroups, resources, verbs }: Rule): string[] =>
  apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => rightTo(verb, resource, group))));

const rightTo = (verb: string, resource: string, group: string): string => `${verb} ${resource}${group && `.${group}`}`;
