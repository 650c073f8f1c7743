/** The flags of `run`: those of the Go machine-controller, by name, default and meaning. */
import { Command } from "commander";
import { parseAddress, parseBoolean, parseCount, parseDuration, parseFeatureGates } from "./go-flags.ts";

export type RunFlags = {
  kubeconfig?: string;
  master?: string;
  name: string;
  workerCount: number;
  healthProbeAddress: { host: string; port: number };
  metricsAddress: { host: string; port: number };
  enableLeaderElection: boolean;
  leaderElectionNamespace: string;
  joinClusterTimeout?: number;
  skipEvictionAfter: number;
  overrideBootstrapKubeletApiserver?: string;
  clusterDns?: string;
  caBundle?: string;
  nodeExternalCloudProvider: boolean;
  nodeKubeletFeatureGates: Record<string, boolean>;
  logDebug: boolean;
  logFormat: string;
};

/** Accepted because Deployments pass them; what they did is gone from the Go implementation too, or not here yet. */
const WITHOUT_EFFECT = [
  "bootstrap-token-service-account-name",
  "enable-profiling",
  "node-csr-approver",
  "node-port-range",
  "node-http-proxy",
  "node-no-proxy",
  "node-insecure-registries",
  "node-registry-mirrors",
  "node-pause-image",
  "node-container-runtime",
  "node-containerd-version",
  "node-containerd-registry-mirrors",
  "node-registry-credentials-secret",
  "use-external-bootstrap",
  "use-osm",
  "pod-cidr",
  "node-kubelet-repository",
];

const ROTATE_GATE = "RotateKubeletServerCertificate";
const HOUR_MS = 3_600_000;

export function addRunFlags(command: Command): Command {
  command
    .option("--kubeconfig <path>", "kubeconfig of the cluster; without it, the Pod's service account")
    .option("--master <url>", "URL of the API server, instead of the kubeconfig's")
    .option("--name <name>", "handle only Machines whose label machine.k8s.io/controller has this value", "")
    .option("--worker-count <n>", "Machines reconciled at the same time", parseCount, 32)
    .option(
      "--health-probe-address <host:port>",
      "serves /healthz and /readyz",
      parseAddress,
      address("127.0.0.1", 8085),
    )
    .option("--metrics-address <host:port>", "serves /metrics", parseAddress, address("127.0.0.1", 8080))
    .option("--enable-leader-election [bool]", "act only while holding the Lease", parseBoolean, true)
    .option("--leader-election-namespace <namespace>", "namespace of the Lease", "kube-system")
    .option("--join-cluster-timeout <duration>", "replace a Machine whose Node has not joined by then", parseDuration)
    .option(
      "--skip-eviction-after <duration>",
      "delete a Machine without draining after this time",
      parseDuration,
      2 * HOUR_MS,
    )
    .option("--override-bootstrap-kubelet-apiserver <url>", "API server as new nodes reach it")
    .option("--cluster-dns <ip,…>", "addresses of the cluster's DNS service (10.10.10.10)")
    .option("--ca-bundle <path>", "PEM file of the authorities that cloud APIs are trusted by, instead of the system's")
    .option(
      "--node-external-cloud-provider [bool]",
      "a cloud-controller-manager looks after Nodes",
      parseBoolean,
      false,
    )
    .option(
      "--node-kubelet-feature-gates <gates>",
      `comma list of Gate=bool (${ROTATE_GATE}=true)`,
      parseFeatureGates,
      {
        [ROTATE_GATE]: true,
      },
    )
    .option("--log-debug [bool]", "log every decision", parseBoolean, false)
    .option("--log-format <format>", "JSON or console", "JSON");
  for (const flag of WITHOUT_EFFECT) {
    const option = command.createOption(`--${flag} [value]`, "accepted for compatibility, without effect").hideHelp();
    command.addOption(option);
  }
  return command;
}

/** Commander prints defaults with their own toString. */
const address = (host: string, port: number) => ({ host, port, toString: () => `${host}:${port}` });
