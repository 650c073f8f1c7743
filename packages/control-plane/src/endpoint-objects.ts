/** How clients inside and nodes-to-be learn where the API server is. */
import { isIP } from "node:net";
import type { Manifest } from "./object.ts";

/** `url` is the address others reach this server at, such as `https://10.0.0.1:6443`. */
export async function endpointObjects(url: string, caCertificatePem: string): Promise<Manifest[]> {
  const { toKubeconfig } = await import("./security/kubeconfig.ts");
  const { hostname, port } = new URL(url);
  const address = hostname.replace(/^\[|\]$/g, "");
  const family = isIP(address);
  const ports = [{ name: "https", port: Number(port === "" ? 443 : port), protocol: "TCP" }];
  const labels = { component: "apiserver", provider: "kubernetes" };
  return [
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "cluster-info", namespace: "kube-public" },
      data: { kubeconfig: toKubeconfig({ server: url, caCertificatePem }) },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "kubernetes", namespace: "default", labels },
      spec: { type: "ClusterIP", ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: ports[0]?.port }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "kubernetes", namespace: "default", labels: { "kubernetes.io/service-name": "kubernetes" } },
      addressType: family === 0 ? "FQDN" : family === 6 ? "IPv6" : "IPv4",
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports,
    },
  ];
}
