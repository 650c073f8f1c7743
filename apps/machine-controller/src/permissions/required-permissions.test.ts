import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { describePermission, requiredPermissions } from "./required-permissions.ts";

type Role = {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
};

const BASE = new URL("../../../../deploy/kustomize/machine-controller.yaml", import.meta.url);

test("what is checked at the start is what the deployment grants, no more and no less", () => {
  const granted = parseAllDocuments(readFileSync(BASE, "utf8"))
    .map((document) => document.toJS() as Role)
    .filter(({ kind, metadata }) => kind.endsWith("Role") && !/-(webhook|references)$/.test(metadata.name))
    .flatMap(({ metadata: { namespace = "" }, rules = [] }) =>
      rules.flatMap(({ apiGroups: [group = ""], resources, verbs, resourceNames: [name] = [] }) =>
        resources.flatMap((resource) =>
          verbs.map((verb) => describePermission({ verb, group, resource, namespace, ...(name && { name }) })),
        ),
      ),
    );
  assert.ok(granted.length > 30);
  const all = { leaderElectionNamespace: "kube-system", nodeCsrApprover: true, orphans: true };
  assert.deepEqual(new Set(requiredPermissions(all).map(describePermission)), new Set(granted));
});

test("what is switched off needs no permission", () => {
  const none = { leaderElectionNamespace: undefined, nodeCsrApprover: false, orphans: false };
  const asked = requiredPermissions(none).map(describePermission).join("\n");
  assert.doesNotMatch(asked, /leases|certificate|orphans/);
});
