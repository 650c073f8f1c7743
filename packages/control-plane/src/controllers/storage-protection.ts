/** Lets go of volumes that are being deleted once nobody uses them: claims without pods, volumes without claims. */
import { objectAt, objectsAt, stringAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Server } from "../server.ts";
import { builtIn, changeStored, read } from "../system-request.ts";
import type { Controller } from "./controller.ts";
import { fromKey, toKey } from "./stored-key.ts";

const CLAIM_FINALIZER = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER = "kubernetes.io/pv-protection";

export function createStorageProtection(server: Server): Controller {
  const pods = builtIn(server, "v1", "pods");
  const claims = builtIn(server, "v1", "persistentvolumeclaims");
  const volumes = builtIn(server, "v1", "persistentvolumes");
  const isUsed = ({ metadata: { namespace = "", name } }: KubeObject): boolean =>
    server.storage
      .list({ resource: pods.storage, namespace })
      .some(({ json }) => claimsOf(JSON.parse(json) as KubeObject).includes(name));

  return {
    name: "storage-protection",
    start: () => [claims, volumes].flatMap(({ storage }) => server.storage.list({ resource: storage }).map(toKey)),
    *keysOf(change) {
      const { resource, type, namespace, json } = change;
      if (type !== "DELETED" && (resource === claims.storage || resource === volumes.storage)) yield toKey(change);
      if (resource !== pods.storage || type === "ADDED" || !json.includes('"persistentVolumeClaim"')) return;
      for (const name of claimsOf(JSON.parse(json) as KubeObject)) {
        yield toKey({ resource: claims.storage, namespace, name });
      }
    },
    async reconcile(key) {
      const { resource, namespace, name } = fromKey(key);
      const isClaim = resource === claims.storage;
      const target = { resource: isClaim ? claims : volumes, namespace, name };
      const finalizer = isClaim ? CLAIM_FINALIZER : VOLUME_FINALIZER;
      const object = read(server, target);
      if (object?.metadata.deletionTimestamp === undefined) return;
      if (!object.metadata.finalizers?.includes(finalizer)) return;
      if (isClaim ? isUsed(object) : stringAt(object["status"], "phase") === "Bound") return;
      await changeStored(server, target, (old) => {
        const finalizers = (old.metadata.finalizers ?? []).filter((other) => other !== finalizer);
        return { ...old, metadata: { ...old.metadata, finalizers } };
      });
    },
  };
}

/** Of a pod that is on a node: no kubelet starts one whose claim is being deleted. */
function claimsOf({ spec }: KubeObject): string[] {
  if (stringAt(spec, "nodeName") === "") return [];
  return objectsAt(spec, "volumes")
    .map((volume) => stringAt(objectAt(volume, "persistentVolumeClaim"), "claimName"))
    .filter((name) => name !== "");
}
