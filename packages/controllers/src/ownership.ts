/** Who controls what: controller references, adoption of what nobody controls, release of what is selected no more. */
import type { Machine, MachineDeployment, MachineSet, OwnerReference } from "@machine-controller/api";
import { API_VERSION } from "@machine-controller/api/well-known";
import type { KubeClient, Resource } from "@machine-controller/kube-client";
import { isKubeError } from "@machine-controller/kube-client";
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

/** What an owner has to take or give up before it counts its own. */
export type Claims<T> = {
  /** Selected and controlled by nobody. */
  readonly orphans: readonly T[];
  /** Controlled and not selected. */
  readonly strays: readonly T[];
};

/** Objects that are being deleted are left as they are. */
export function claimsOf<T extends Owned>(owner: Owner, { store }: Informer<T>): Claims<T> {
  const { namespace, uid = "" } = owner.metadata;
  const selected = (object: T): boolean => selects(owner.spec.selector, object.metadata.labels);
  const lives = ({ metadata }: T): boolean => metadata.deletionTimestamp === undefined;
  return {
    orphans: store
      .byIndex("controller", "")
      .filter((object) => object.metadata.namespace === namespace && lives(object) && selected(object)),
    strays: store.byIndex("controller", uid).filter((object) => lives(object) && !selected(object)),
  };
}

type Claiming<T extends Owned> = { client: KubeClient; resource: Resource<T>; informer: Informer<T> };

/**
 * Adopts or releases one object.
 * @returns false where owner or object changed meanwhile: their events start the next pass.
 */
export async function claim<T extends Owned>(
  change: { kind: "adopt" | "release"; owner: Owner; ownerResource: Resource<Owner>; object: T },
  { client, resource, informer }: Claiming<T>,
  { signal }: { signal: AbortSignal },
): Promise<boolean> {
  const { kind, owner, ownerResource, object } = change;
  const { namespace = "", name = "", uid, resourceVersion, ownerReferences = [] } = object.metadata;
  const others = ownerReferences.filter((reference) => reference.uid !== owner.metadata.uid);
  try {
    // The informer may not know yet that the owner is being deleted, and what it adopts then goes with it.
    if (kind === "adopt" && !(await lives(owner, ownerResource, { client, signal }))) return false;
    const wanted = kind === "adopt" ? [...others, controllerReference(owner)] : others;
    const body = { metadata: { uid, resourceVersion, ownerReferences: wanted } };
    informer.observe(await client.patch(resource, { namespace, name }, { type: "merge", body }, { signal }));
    return true;
  } catch (error) {
    if (isKubeError(error, "Conflict") || isKubeError(error, "NotFound")) return false;
    throw error;
  }
}

async function lives(
  { metadata }: Owner,
  resource: Resource<Owner>,
  { client, signal }: { client: KubeClient; signal: AbortSignal },
): Promise<boolean> {
  const { namespace = "", name = "", uid } = metadata;
  const found = await client.get(resource, { namespace, name }, { signal });
  return found.metadata.uid === uid && found.metadata.deletionTimestamp === undefined;
}
