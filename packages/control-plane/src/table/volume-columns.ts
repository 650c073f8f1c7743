/** What `kubectl get` shows of volumes and of what provides them. */
import { arrayAt, objectsAt, stringAt, textOf, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Column } from "../registry/resource.ts";
import { AGE, column, field, flag, NAME, nameOrDefault, NONE, UNSET, wide } from "./column.ts";

const CLASS = column(
  "StorageClass",
  ({ metadata, spec }) =>
    metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? stringAt(spec, "storageClassName"),
);
const ATTRIBUTES_CLASS = field("VolumeAttributesClass", "spec.volumeAttributesClassName", UNSET);
const STATUS = column("Status", ({ metadata, status }) =>
  metadata.deletionTimestamp === undefined ? stringAt(status, "phase") : "Terminating",
);
const MODE = wide(field("VolumeMode", "spec.volumeMode", UNSET));

export const volumeColumns: Record<string, readonly Column[]> = {
  PersistentVolume: [
    NAME,
    field("Capacity", "spec.capacity.storage", "0"),
    column("Access Modes", (volume) => accessModes(volume["spec"])),
    field("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"),
    STATUS,
    column("Claim", (volume) => {
      const claim = valueAt(volume, "spec.claimRef");
      return claim === undefined ? "" : `${stringAt(claim, "namespace")}/${stringAt(claim, "name")}`;
    }),
    CLASS,
    ATTRIBUTES_CLASS,
    field("Reason", "status.reason"),
    AGE,
    MODE,
  ],
  PersistentVolumeClaim: [
    NAME,
    STATUS,
    field("Volume", "spec.volumeName"),
    column("Capacity", (claim) => (isBound(claim) ? textOf(valueAt(claim, "status.capacity.storage"), "0") : "")),
    column("Access Modes", (claim) => (isBound(claim) ? accessModes(claim["status"]) : "")),
    CLASS,
    ATTRIBUTES_CLASS,
    AGE,
    MODE,
  ],
  StorageClass: [
    nameOrDefault("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"),
    field("Provisioner", "provisioner"),
    field("ReclaimPolicy", "reclaimPolicy", "Delete"),
    field("VolumeBindingMode", "volumeBindingMode", "Immediate"),
    { ...flag("AllowVolumeExpansion", "allowVolumeExpansion"), type: "string" },
    AGE,
  ],
  VolumeAttachment: [
    NAME,
    { ...field("Attacher", "spec.attacher"), format: "name" },
    field("PV", "spec.source.persistentVolumeName"),
    field("Node", "spec.nodeName"),
    flag("Attached", "status.attached"),
    AGE,
  ],
  CSIDriver: [
    NAME,
    flag("AttachRequired", "spec.attachRequired", true),
    flag("PodInfoOnMount", "spec.podInfoOnMount"),
    flag("StorageCapacity", "spec.storageCapacity"),
    column("TokenRequests", ({ spec }) => {
      const audiences = objectsAt(spec, "tokenRequests").map((request) => stringAt(request, "audience"));
      return valueAt(spec, "tokenRequests") === undefined ? UNSET : audiences.join(",");
    }),
    flag("RequiresRepublish", "spec.requiresRepublish"),
    column("Modes", ({ spec }) => arrayAt(spec, "volumeLifecycleModes").join(",") || NONE),
    AGE,
  ],
  CSINode: [NAME, column("Drivers", ({ spec }) => arrayAt(spec, "drivers").length, "integer"), AGE],
};

const SHORT_MODES = { ReadWriteOnce: "RWO", ReadOnlyMany: "ROX", ReadWriteMany: "RWX", ReadWriteOncePod: "RWOP" };

function accessModes(owner: unknown): string {
  const modes = arrayAt(owner, "accessModes");
  return Object.entries(SHORT_MODES)
    .filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(",");
}

function isBound(claim: KubeObject): boolean {
  return stringAt(claim["spec"], "volumeName") !== "";
}
