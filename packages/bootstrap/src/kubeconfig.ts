/** What a kubelet needs to find and trust the API server, and where the cluster publishes it. */
import { parse, stringify } from "yaml";
import { BootstrapError } from "./bootstrap-error.ts";
import { remembered } from "./remembered.ts";

export type ClusterInfo = { /** URL of the API server as nodes reach it. */ server: string; caCertificatePem: string };

export function bootstrapKubeconfig({ token, ...cluster }: ClusterInfo & { token: string }): string {
  // Quoted, for one of digits alone would be a number.
  return `${kubeconfigWithoutUser(cluster)}users:\n- name: c\n  user:\n    token: ${JSON.stringify(token)}\n`;
}

/** Everything in it is named `c`: user data is counted in bytes. */
const kubeconfigWithoutUser = remembered(({ server, caCertificatePem }: ClusterInfo): string =>
  stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "c",
          cluster: { "certificate-authority-data": Buffer.from(caCertificatePem).toString("base64"), server },
        },
      ],
      contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
      "current-context": "c",
    },
    { lineWidth: 0, indentSeq: false },
  ),
);

/**
 * Reads the key `kubeconfig` of the ConfigMap `kube-public/cluster-info`, as kubeadm publishes it.
 * @throws BootstrapError `InvalidClusterInfo`
 */
export function parseClusterInfo(kubeconfigYaml: string): ClusterInfo {
  let document: { clusters?: unknown } | null;
  try {
    document = parse(kubeconfigYaml) as typeof document;
  } catch (cause) {
    throw invalid("is not YAML", cause);
  }
  const clusters = document?.clusters;
  if (!Array.isArray(clusters) || clusters.length !== 1) {
    throw invalid(`must name exactly one cluster, not ${Array.isArray(clusters) ? clusters.length : "none"}`);
  }
  const [entry] = clusters as ({ cluster?: Record<string, unknown> } | null)[];
  const cluster = entry?.cluster;
  const server = cluster?.["server"];
  if (typeof server !== "string" || !URL.canParse(server)) {
    throw invalid("has no URL in clusters[0].cluster.server: set it to the API server as nodes reach it");
  }
  const caData = cluster?.["certificate-authority-data"];
  const caCertificatePem = Buffer.from(typeof caData === "string" ? caData : "", "base64").toString();
  if (!caCertificatePem.includes("-----BEGIN CERTIFICATE-----")) {
    throw invalid("has no PEM certificate, base64-encoded, in clusters[0].cluster.certificate-authority-data");
  }
  return { server, caCertificatePem };
}

function invalid(problem: string, cause?: unknown): BootstrapError {
  return new BootstrapError("InvalidClusterInfo", `key kubeconfig of ConfigMap kube-public/cluster-info ${problem}`, {
    cause,
  });
}
