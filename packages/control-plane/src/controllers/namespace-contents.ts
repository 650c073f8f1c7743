/** What every namespace has: the default ServiceAccount and the cluster's CA. */
import type { KubeObject } from "../object.ts";
import type { Server } from "../server.ts";
import { ensureObjects } from "../system-request.ts";
import type { Controller } from "./controller.ts";

export function createNamespaceContents(server: Server, caCertificatePem: string): Controller {
  return {
    name: "namespace-contents",
    start: () => server.storage.list({ resource: "namespaces" }).map(({ name }) => name),
    *keysOf({ resource, namespace, name, type }) {
      if (resource === "namespaces" && type !== "DELETED") yield name;
      if (type !== "DELETED") return;
      const isOurs =
        (resource === "serviceaccounts" && name === "default") || (resource === "configmaps" && name === ROOT_CA);
      if (isOurs) yield namespace;
    },
    async reconcile(namespace) {
      const stored = server.storage.get({ resource: "namespaces", namespace: "", name: namespace });
      if (stored === undefined) return;
      if ((JSON.parse(stored.json) as KubeObject).metadata.deletionTimestamp !== undefined) return;
      await ensureObjects(server, [
        { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } },
        {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: ROOT_CA, namespace },
          data: { "ca.crt": caCertificatePem },
        },
      ]);
    },
  };
}

const ROOT_CA = "kube-root-ca.crt";
