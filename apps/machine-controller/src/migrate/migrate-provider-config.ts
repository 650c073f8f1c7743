/** `providerConfig` → `providerSpec` in objects of `cluster.k8s.io`: a rename, which loses nothing else of the object. */
import { ANNOTATION_BYPASS_IMMUTABILITY } from "@machine-controller/api/well-known";
import { machineDeployments, machines, machineSets } from "@machine-controller/controllers";
import type { KubeObject, Resource } from "@machine-controller/kube-client";
import type { MigrationContext } from "./migrate-legacy-machines.ts";
import { forEachObject } from "./report.ts";

type Spec = { providerConfig?: unknown; providerSpec?: unknown };

export async function migrateProviderConfig(context: Omit<MigrationContext, "providers" | "clock">): Promise<void> {
  const { client, dryRun, report, signal } = context;
  const kinds: { resource: Resource; inTemplate: boolean }[] = [
    { resource: machineDeployments, inTemplate: true },
    { resource: machineSets, inTemplate: true },
    { resource: machines, inTemplate: false },
  ];
  for (const { resource, inTemplate } of kinds) {
    const { items } = await client.listAll(resource, { signal });
    const old = items.filter((object) => specOf(object, inTemplate).providerConfig != null);
    const nameOf = ({ metadata }: KubeObject): string => `${resource.kind} ${metadata.namespace}/${metadata.name}`;
    await forEachObject(old, { nameOf, report, signal }, async (object) => {
      const { providerConfig, providerSpec } = specOf(object, inTemplate);
      if (providerSpec != null) {
        return { outcome: "problem", message: "has both providerConfig and providerSpec; remove one of them" };
      }
      const renamed = { providerConfig: null, providerSpec: providerConfig };
      const { namespace = "", name = "", resourceVersion } = object.metadata;
      const body = {
        metadata: {
          resourceVersion,
          ...(!inTemplate && { annotations: { [ANNOTATION_BYPASS_IMMUTABILITY]: "true" } }),
        },
        spec: inTemplate ? { template: { spec: renamed } } : renamed,
      };
      if (!dryRun) await client.patch(resource, { namespace, name }, { type: "merge", body }, { signal });
      return { outcome: "done", message: "providerConfig becomes providerSpec" };
    });
  }
}

function specOf(object: KubeObject, inTemplate: boolean): Spec {
  const { spec } = object as KubeObject & { spec?: Spec & { template?: { spec?: Spec } } };
  return (inTemplate ? spec?.template?.spec : spec) ?? {};
}
