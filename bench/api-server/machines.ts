/** Machines to write, of the size that controllers leave them in. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Load, LoadRequest } from "./load.ts";

const NAMESPACE = "default";
export const MACHINES = `/apis/cluster.k8s.io/v1alpha1/namespaces/${NAMESPACE}/machines`;
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const CRDS = join(import.meta.dirname, "../../deploy/crds.yaml");
/** A cloud-provider spec with its keys, networks and labels. */
const PADDING = "x".repeat(1_500);

/** Installs the CRD of Machines and returns once it is served. */
export async function installMachines(load: Load): Promise<void> {
  for (const document of parseAllDocuments(readFileSync(CRDS, "utf8"))) {
    const definition = document.toJSON() as { metadata: { name: string } };
    await load.send(0, { method: "POST", path: DEFINITIONS, body: JSON.stringify(definition) });
  }
  const isServed = (): Promise<boolean> =>
    load.send(0, { path: MACHINES }).then(
      () => true,
      () => false,
    );
  while (!(await isServed())) await new Promise((resolve) => setTimeout(resolve, 50));
}

export function machine(name: string): string {
  return JSON.stringify({
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: { name, labels: { pool: "workers" }, finalizers: [] },
    spec: {
      metadata: { labels: { pool: "workers" } },
      providerSpec: {
        value: {
          cloudProvider: "hetzner",
          cloudProviderSpec: { serverType: "cx23", location: "nbg1", networks: ["network-1"], padding: PADDING },
          operatingSystem: "ubuntu",
          operatingSystemSpec: { distUpgradeOnBoot: false },
        },
      },
      versions: { kubelet: "1.36.2" },
    },
  });
}

export function create(name: string): LoadRequest {
  return { method: "POST", path: MACHINES, body: machine(name) };
}

export function annotate(name: string, annotations: Record<string, string>): LoadRequest {
  const body = JSON.stringify({ metadata: { annotations } });
  return { method: "PATCH", path: `${MACHINES}/${name}`, type: "application/merge-patch+json", body };
}

export function remove(name: string): LoadRequest {
  return { method: "DELETE", path: `${MACHINES}/${name}` };
}
