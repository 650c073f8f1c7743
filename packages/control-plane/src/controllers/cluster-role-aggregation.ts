/** Gathers the rules of labelled ClusterRoles in those that have an aggregation rule. */
import { arrayAt, isEqual, objectAt, objectsAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { fromStored } from "../registry/conversion.ts";
import { matchesSelectorObject } from "../selectors/label-selector.ts";
import type { Server } from "../server.ts";
import { builtIn, changeStored, read } from "../system-request.ts";
import type { Controller } from "./controller.ts";

export function createClusterRoleAggregation(server: Server): Controller {
  const roles = builtIn(server, "rbac.authorization.k8s.io/v1", "clusterroles");
  /** As last committed; read anew when one of them changes. */
  let known: KubeObject[] | undefined;
  const all = (): KubeObject[] =>
    (known ??= server.storage.list({ resource: roles.storage }).map((stored) => fromStored(stored, roles)));
  const aggregating = (): string[] =>
    all()
      .filter((role) => selectorsOf(role).length > 0)
      .map(({ metadata }) => metadata.name);
  return {
    name: "cluster-role-aggregation",
    start: aggregating,
    *keysOf(change) {
      if (change.resource !== roles.storage) return;
      known = undefined;
      yield* aggregating();
    },
    async reconcile(name) {
      const target = { resource: roles, name };
      const role = read(server, target);
      if (role === undefined) return;
      const selectors = selectorsOf(role);
      if (selectors.length === 0) return;
      const rules = gather(
        all().filter(
          ({ metadata }) =>
            metadata.name !== name &&
            selectors.some((selector) => matchesSelectorObject(selector, metadata.labels ?? {})),
        ),
      );
      if (isEqual(rules, arrayAt(role, "rules"))) return;
      await changeStored(server, target, (old) => ({ ...old, rules }));
    },
  };
}

function selectorsOf(role: KubeObject): JsonObject[] {
  return objectsAt(objectAt(role, "aggregationRule"), "clusterRoleSelectors");
}

/** The rules in the order of the roles' names, each once. */
function gather(roles: readonly KubeObject[]): JsonObject[] {
  const rules = roles
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap((role) => objectsAt(role, "rules"));
  return rules.filter((rule, index) => rules.findIndex((earlier) => isEqual(earlier, rule)) === index);
}
