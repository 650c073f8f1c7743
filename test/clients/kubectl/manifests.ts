// What the kubectl tests work on.

type Manifest = { apiVersion: string; kind: string; metadata: Record<string, unknown>; [field: string]: unknown };

export function configMap(name: string, data: Record<string, string>): Manifest {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
}

export function node(name: string): Manifest {
  return { apiVersion: "v1", kind: "Node", metadata: { name, labels: { "kubernetes.io/os": "linux" } } };
}

/** A Pod that is already where it belongs: nothing schedules it. */
export function pod(name: string, nodeName: string, rest: Record<string, unknown> = {}): Manifest {
  const spec = { nodeName, terminationGracePeriodSeconds: 0, containers: [{ name: "main", image: "busybox" }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name }, ...rest }, spec };
}

export function widget(name: string, spec: Record<string, unknown> = { size: 3 }): Manifest {
  return { apiVersion: "clients.example/v1", kind: "Widget", metadata: { name }, spec };
}

/** With subresources, columns, a default, a CEL rule and documentation. */
export const widgetDefinition: Manifest = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.clients.example" },
  spec: {
    group: "clients.example",
    scope: "Namespaced",
    names: { plural: "widgets", singular: "widget", kind: "Widget", shortNames: ["wd"], categories: ["all"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            description: "A thing with a size.",
            type: "object",
            properties: {
              spec: {
                description: "What is wanted.",
                type: "object",
                required: ["size"],
                properties: {
                  size: { description: "How big it is.", type: "integer", minimum: 1, maximum: 10 },
                  replicas: { type: "integer", default: 1 },
                  color: { type: "string", enum: ["red", "blue"], default: "red" },
                  parts: { type: "array", items: { type: "object", properties: { name: { type: "string" } } } },
                },
              },
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
        },
        additionalPrinterColumns: [
          { name: "Size", type: "integer", jsonPath: ".spec.size" },
          { name: "Phase", type: "string", jsonPath: ".status.phase", priority: 1 },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
      },
    ],
  },
};

export function deployment(name: string): Manifest {
  const labels = { app: name };
  const containers = [
    { name: "main", image: "nginx:1" },
    { name: "side", image: "busybox:1" },
  ];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}
