/** The three CustomResourceDefinitions, with the names, subresources and columns of those installed today. */
import { Type, type TSchema } from "typebox";
import { MachineDeploymentSpec, MachineDeploymentStatus } from "./machine-deployment.ts";
import { MachineSetSpec, MachineSetStatus } from "./machine-set.ts";
import { MachineSpec, MachineStatus } from "./machine.ts";
import { type StructuralSchema, text, toStructuralSchema } from "./schema.ts";
import { GROUP, VERSION } from "./well-known.ts";

type PrinterColumn = { name: string; type: string; jsonPath: string; priority?: number };

export type CustomResourceDefinition = {
  apiVersion: "apiextensions.k8s.io/v1";
  kind: "CustomResourceDefinition";
  metadata: { name: string; annotations: Record<string, string> };
  spec: {
    group: string;
    scope: "Namespaced";
    names: { kind: string; listKind: string; plural: string; singular: string; shortNames: string[] };
    versions: {
      name: string;
      served: true;
      storage: true;
      schema: { openAPIV3Schema: StructuralSchema };
      subresources?: {
        status: Record<string, never>;
        scale?: typeof SCALE;
      };
      additionalPrinterColumns: PrinterColumn[];
    }[];
  };
};

const SCALE = {
  specReplicasPath: ".spec.replicas",
  statusReplicasPath: ".status.replicas",
  labelSelectorPath: ".status.labelSelector",
};

const column = (name: string, type: string, jsonPath: string): PrinterColumn => ({ name, type, jsonPath });
/** A column that only `kubectl get -o wide` shows. */
const wideColumn = (name: string, type: string, jsonPath: string): PrinterColumn => ({
  name,
  type,
  jsonPath,
  priority: 1,
});
const AGE = [
  column("Age", "date", ".metadata.creationTimestamp"),
  wideColumn("Deleted", "date", ".metadata.deletionTimestamp"),
];
const PROVIDER = ".spec.providerSpec.value.cloudProvider";
const OPERATING_SYSTEM = ".spec.providerSpec.value.operatingSystem";
const template = (path: string): string => `.spec.template${path}`;

const REPLICAS = [
  column("Replicas", "integer", ".spec.replicas"),
  column("Available-Replicas", "integer", ".status.availableReplicas"),
];

/** These follow those that people's scripts already count on, as MORE_MACHINE_COLUMNS do. */
const READY = column("Ready", "integer", ".status.readyReplicas");
const UPDATED = column("Updated", "integer", ".status.updatedReplicas");
/** Columns after those that people's scripts already count on. */
const MORE_MACHINE_COLUMNS = [
  column("Phase", "string", ".status.phase"),
  wideColumn("ProviderID", "string", ".spec.providerID"),
];

export const customResourceDefinitions: readonly CustomResourceDefinition[] = [
  define({
    kind: "Machine",
    description: "An instance of a cloud that joins the cluster as a Node.",
    shortName: "ma",
    spec: MachineSpec,
    status: MachineStatus,
    columns: [
      column("Provider", "string", PROVIDER),
      column("OS", "string", OPERATING_SYSTEM),
      column("Node", "string", ".status.nodeRef.name"),
      column("Kubelet", "string", ".spec.versions.kubelet"),
      column("Address", "string", ".status.addresses[0].address"),
      ...AGE,
      ...MORE_MACHINE_COLUMNS,
    ],
  }),
  define({
    kind: "MachineSet",
    description: "Keeps a number of Machines of one template.",
    shortName: "ms",
    spec: MachineSetSpec,
    status: MachineSetStatus,
    subresources: { status: {}, scale: SCALE },
    columns: [
      ...REPLICAS,
      column("Provider", "string", template(PROVIDER)),
      column("OS", "string", template(OPERATING_SYSTEM)),
      column("MachineDeployment", "string", ".metadata.ownerReferences[0].name"),
      column("Kubelet", "string", template(".spec.versions.kubelet")),
      ...AGE,
      READY,
    ],
  }),
  define({
    kind: "MachineDeployment",
    description: "Keeps a number of Machines, and replaces them step by step where their template changes.",
    shortName: "md",
    spec: MachineDeploymentSpec,
    status: MachineDeploymentStatus,
    subresources: { status: {}, scale: SCALE },
    columns: [
      ...REPLICAS,
      column("Provider", "string", template(PROVIDER)),
      column("OS", "string", template(OPERATING_SYSTEM)),
      column("Kubelet", "string", template(".spec.versions.kubelet")),
      ...AGE,
      READY,
      UPDATED,
    ],
  }),
];

function define(type: {
  kind: string;
  description: string;
  shortName: string;
  spec: TSchema;
  status: TSchema;
  columns: PrinterColumn[];
  subresources?: CustomResourceDefinition["spec"]["versions"][number]["subresources"];
}): CustomResourceDefinition {
  const singular = type.kind.toLowerCase();
  const plural = `${singular}s`;
  const root = Type.Object(
    {
      apiVersion: text(`${GROUP}/${VERSION}`),
      kind: text(type.kind),
      spec: Type.Optional({ ...type.spec, description: "What is wanted." }),
      status: Type.Optional({ ...type.status, description: "What is so." }),
    },
    { description: type.description },
  );
  const openAPIV3Schema = toStructuralSchema(root);
  openAPIV3Schema.properties = { ...openAPIV3Schema.properties, metadata: { type: "object" } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${plural}.${GROUP}`,
      annotations: { "api-approved.kubernetes.io": "unapproved, legacy API" },
    },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { kind: type.kind, listKind: `${type.kind}List`, plural, singular, shortNames: [type.shortName] },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema },
          ...(type.subresources && { subresources: type.subresources }),
          additionalPrinterColumns: type.columns,
        },
      ],
    },
  };
}
