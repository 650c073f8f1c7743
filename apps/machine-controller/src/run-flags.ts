/** The flags of `run`: those of the Go machine-controller, by name, default and meaning. */
import type { Command } from "commander";
import { parseAddress, parseBoolean, parseCount, parseDuration, parseFeatureGates } from "./go-flags.ts";
import { UsageError } from "./usage-error.ts";

export type RunFlags = {
  kubeconfig?: string;
  master?: string;
  name: string;
  workerCount: number;
  healthProbeAddress: Address;
  metricsAddress: Address;
  enableLeaderElection: boolean;
  leaderElectionNamespace: string;
  joinClusterTimeout?: number;
  skipEvictionAfter: number;
  overrideBootstrapKubeletApiserver?: string;
  clusterDns: string;
  caBundle?: string;
  nodeCsrApprover: boolean;
  nodeExternalCloudProvider: boolean;
  nodeKubeletFeatureGates: Record<string, boolean>;
  logDebug: boolean;
  logFormat: string;
};

/** Accepted because Deployments pass them; what they did is gone from the Go implementation too, or not here yet. */
const WITHOUT_EFFECT = [
  "bootstrap-token-service-account-name",
  "enable-profiling",
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
  const flag = <T>(flags: string, description: string, { parse, value, shown }: FlagForm<T> = {}): void => {
    const option = command.createOption(flags, description);
    if (parse !== undefined) option.argParser(parse);
    if (value !== undefined) option.default(value, shown ?? String(value));
    command.addOption(option);
  };
  const boolean = (value: boolean): FlagForm<boolean> => ({ parse: parseBoolean, value });
  const address = (port: number): FlagForm<Address> => ({
    parse: parseAddress,
    value: { host: "127.0.0.1", port },
    shown: `127.0.0.1:${port}`,
  });

  flag("--kubeconfig <path>", "kubeconfig of the cluster; without it, KUBECONFIG or the Pod's service account");
  flag("--master <url>", "URL of the API server, instead of the kubeconfig's");
  flag("--name <name>", "handle only Machines whose label machine.k8s.io/controller has this value", {
    value: "",
    shown: "none",
  });
  flag("--worker-count <n>", "Machines reconciled at the same time", { parse: parseCount, value: 32 });
  flag("--health-probe-address <host:port>", "serves /healthz and /readyz", address(8085));
  flag("--metrics-address <host:port>", "serves /metrics", address(8080));
  flag("--enable-leader-election [bool]", "act only while holding the Lease", boolean(true));
  flag("--leader-election-namespace <namespace>", "namespace of the Lease", { value: "kube-system" });
  flag("--join-cluster-timeout <duration>", "replace a Machine whose Node has not joined by then", {
    parse: parseDuration,
  });
  flag("--skip-eviction-after <duration>", "delete a Machine without draining after this time", {
    parse: parseDuration,
    value: 2 * HOUR_MS,
    shown: "2h",
  });
  flag("--override-bootstrap-kubelet-apiserver <url>", "API server as new nodes reach it");
  flag("--cluster-dns <ip,…>", "addresses of the cluster's DNS service", { value: "10.10.10.10" });
  flag("--ca-bundle <path>", "PEM file of the authorities that cloud APIs are trusted by, instead of the system's");
  flag("--node-csr-approver [bool]", "approve the serving certificates of Machines' kubelets", boolean(true));
  flag("--node-external-cloud-provider [bool]", "a cloud-controller-manager looks after Nodes", boolean(false));
  flag("--node-kubelet-feature-gates <gates>", "comma list of Gate=bool", {
    parse: parseFeatureGates,
    value: { [ROTATE_GATE]: true },
    shown: `${ROTATE_GATE}=true`,
  });
  flag("--log-debug [bool]", "log every decision", boolean(false));
  flag("--log-format <format>", "JSON or console", { parse: parseLogFormat, value: "JSON" });
  for (const name of WITHOUT_EFFECT) {
    command.addOption(
      command.createOption(`--${name} [value]`, "accepted for compatibility, without effect").hideHelp(),
    );
  }
  return command;
}

type FlagForm<T> = { parse?: (value: string) => T; value?: T; shown?: string };
type Address = { host: string; port: number };

function parseLogFormat(value: string): string {
  if (["json", "console"].includes(value.toLowerCase())) return value;
  throw new UsageError(`--log-format ${value}: use JSON or console`);
}
