/** Who controls what: controller references, adoption of objects that nobody controls. */
import type { Machine, MachineDeployment, MachineSet, OwnerReference } from "@machine-controller/api";
import { API_VERSION } from "@machine-controller/api/well-known";
import { isKubeError, type KubeClient, type Resource } from "@machine-controller/kube-client";
import type { Informer } from "@machine-controller/kube-runtime";
import { selects } from "./selector.ts";

type Owner = MachineSet | MachineDeployment;
type Owned = Machine | MachineSet;

export const controllerOf = ({ metadata }: Owned): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller);

export const controllerReference = ({ kind, metadata }: Owner): OwnerReference => ({
  apiVersion: API_VERSION,
  kind,
  name: metadata.name ?? "",
  uid: metadata.uid ?? "",
  controller: true,
  blockOwnerDeletion: true,
});

/** Index of objects by the UID of their controller; `""` holds those that have none. */
export const byController = (object: Owned): string[] => [controllerOf(object)?.uid ?? ""];

/**
 * What the owner controls and its selector selects, after adopting what it selects and nobody controls.
 * An object that changed meanwhile is left for the pass that its change starts.
 */
export async function claim<T extends Owned>(
  owner: Owner,
  owned: { client: KubeClient; resource: Resource<T>; informer: Informer<T> },
  { signal }: { signal: AbortSignal },
): Promise<T[]> {
  const { client, resource, informer } = owned;
  const selected = (object: T): boolean => selects(owner.spec.selector, object.metadata.labels);
  const mine = informer.store.byIndex("controller", owner.metadata.uid ?? "").filter(selected);
  const orphans = informer.store
    .byIndex("controller", "")
    .filter(
      (object) =>
        object.metadata.namespace === owner.metadata.namespace &&
        selected(object) &&
        !object.metadata.deletionTimestamp,
    );
  for (const orphan of orphans) {
    const { namespace = "", name = "", uid, resourceVersion, ownerReferences = [] } = orphan.metadata;
    const metadata = { uid, resourceVersion, ownerReferences: [...ownerReferences, controllerReference(owner)] };
    try {
      const adopted = await client.patch(
        resource,
        { namespace, name },
        { type: "merge", body: { metadata } },
        { signal },
      );
      informer.observe(adopted);
      mine.push(adopted);
    } catch (error) {
      if (!isKubeError(error, "Conflict") && !isKubeError(error, "NotFound")) throw error;
    }
  }
  return mine;
}
