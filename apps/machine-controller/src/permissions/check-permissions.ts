/** Asks the API server whether this account may do what it will have to. */
import { defineResource, type KubeClient, type KubeObject } from "@machine-controller/kube-client";
import type { Permission } from "./required-permissions.ts";

type AccessReview = KubeObject & {
  spec: { resourceAttributes: Record<string, string | undefined> };
  status?: { allowed: boolean };
};

const selfSubjectAccessReviews = defineResource<AccessReview>({
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SelfSubjectAccessReview",
  plural: "selfsubjectaccessreviews",
  namespaced: false,
});

const AT_ONCE = 4;

/** Those that are missing. @throws KubeError where the API server does not say. */
export async function missingPermissions(
  client: KubeClient,
  permissions: readonly Permission[],
  { signal }: { signal: AbortSignal },
): Promise<Permission[]> {
  const missing: Permission[] = [];
  const waiting = permissions.values();
  const ask = async (): Promise<void> => {
    for (const permission of waiting) {
      const { verb, group, namespace, name } = permission;
      const [resource, subresource] = permission.resource.split("/");
      const answer = await client.create(
        selfSubjectAccessReviews,
        {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SelfSubjectAccessReview",
          metadata: {},
          spec: { resourceAttributes: { verb, group, resource, subresource, namespace, name } },
        },
        { signal },
      );
      if (answer.status?.allowed !== true) missing.push(permission);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return missing;
}
