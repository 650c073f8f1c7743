/** Looks at a definition whose names were taken once more when another definition changes or goes. */
import type { KubeObject } from "../object.ts";
import { hasCondition } from "../registry/definition-status.ts";
import type { Server } from "../server.ts";
import { builtIn, changeStored } from "../system-request.ts";
import type { Controller } from "./controller.ts";

export function createDefinitionNames(server: Server): Controller {
  const definitions = builtIn(server, "apiextensions.k8s.io/v1", "customresourcedefinitions");
  const waiting = (): string[] =>
    server.storage
      .list({ resource: definitions.storage })
      .filter(({ json }) => !hasCondition(JSON.parse(json) as KubeObject, "NamesAccepted"))
      .map(({ name }) => name);
  return {
    name: "definition-names",
    start: waiting,
    *keysOf(change) {
      if (change.resource === definitions.storage && change.type !== "ADDED") yield* waiting();
    },
    // Every write settles the names anew; one without a change of its own does.
    reconcile: (name) => changeStored(server, { resource: definitions, name }, (old) => old),
  };
}
