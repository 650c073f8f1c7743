/** The flags of `run`: those of the Go machine-controller, by name, default and meaning, and what goes beyond it. */
import { ADMISSION_FLAGS, NODE_FLAGS } from "./admission-flags.ts";
import { CLUSTER_FLAGS, LOG_FLAGS } from "./cluster-flags.ts";
import { boolean, type FlagValues, parsed, text, withoutEffect } from "./define-flags.ts";
import {
  type Address,
  parseAddress,
  parseDuration,
  parseList,
  parseNamespacedName,
  parseOneOf,
  parsePositiveCount,
} from "./go-values.ts";

const HOUR_MS = 3_600_000;
const LOOPBACK = "127.0.0.1";
const CLUSTER_DNS = ["10.10.10.10"];

const address = (port: number, help: string) =>
  parsed<Address | false>({
    group: "Process",
    value: "host:port",
    help: `${help}; 0 serves nothing`,
    fallback: { host: LOOPBACK, port },
    shown: `${LOOPBACK}:${port}`,
    parse: parseAddress,
  });

const duration = (help: string, fallback: number, shown: string) =>
  parsed({
    group: "Machines",
    value: "duration",
    help,
    fallback,
    shown,
    parse: parseDuration,
  });

export const RUN_FLAGS = {
  ...CLUSTER_FLAGS,
  name: text("", {
    group: "Machines",
    value: "name",
    help: "handle only Machines whose label machine.k8s.io/controller has this value",
  }),
  workerCount: parsed({
    group: "Machines",
    value: "n",
    help: "Machines of one cloud credential that are reconciled at the same time",
    fallback: 128,
    shown: "128",
    parse: parsePositiveCount,
  }),
  joinClusterTimeout: {
    ...duration("replace a Machine whose Node has not joined by then", 0, "off"),
    parse: (value: string) => (value === "" ? 0 : parseDuration(value)),
  },
  skipEvictionAfter: duration("delete a Machine without draining after this time", 2 * HOUR_MS, "2h"),
  updateMetadataInPlace: boolean(false, {
    group: "Machines",
    help: "a template that changes in labels, annotations and taints alone is put on the Machines that exist; false: a rollout",
  }),
  orphanCollection: parsed<"off" | "report" | "delete">({
    group: "Machines",
    value: "mode",
    help: "what becomes of instances whose Machine no longer exists: off, report, or delete after a grace",
    fallback: "report",
    shown: "report",
    parse: parseOneOf("off", "report", "delete"),
  }),
  orphanGrace: duration("how long such an instance is in quarantine before it is deleted", HOUR_MS, "1h"),
  healthProbeAddress: address(8085, "serves /healthz, /readyz and /livez"),
  metricsAddress: address(8080, "serves /metrics"),
  enableProfiling: boolean(false, {
    group: "Process",
    help: "serve CPU and heap profiles under /debug/pprof/ at the metrics address",
  }),
  enableLeaderElection: boolean(true, { group: "Process", help: "act only while holding the Lease" }),
  leaderElectionNamespace: parsed({
    group: "Process",
    value: "name",
    help: "namespace of the Lease",
    fallback: "kube-system",
    shown: "kube-system",
    parse: (value) => value || "kube-system",
  }),
  nodeCsrApprover: boolean(true, { group: "Nodes", help: "approve the serving certificates of Machines' kubelets" }),
  ...NODE_FLAGS,
  overrideBootstrapKubeletApiserver: text("", {
    group: "Nodes",
    value: "url",
    help: "API server as new nodes reach it",
  }),
  clusterDns: parsed({
    group: "Nodes",
    value: "ip,…",
    help: "addresses of the cluster's DNS service",
    fallback: CLUSTER_DNS,
    shown: CLUSTER_DNS.join(),
    // A kubelet without one gives pods the names of its own host.
    parse: (value) => (value.trim() === "" ? CLUSTER_DNS : parseList(value)),
  }),
  caBundle: text("", {
    group: "Clouds",
    value: "path",
    help: "PEM file of the authorities that cloud APIs are trusted by, instead of the system's",
  }),
  ...LOG_FLAGS,
  webhookListenAddress: parsed<Address | false>({
    group: "Admission",
    value: "host:port",
    help: "serve the admission webhooks in this process too, as `webhook` does",
    fallback: false,
    shown: "not served",
    parse: parseAddress,
  }),
  ...ADMISSION_FLAGS,

  bootstrapTokenServiceAccountName: parsed({
    help: "accepted for compatibility",
    fallback: "",
    shown: "",
    parse: parseNamespacedName,
  }),
  useExternalBootstrap: boolean(true, { help: "accepted for compatibility" }),
  useOsm: boolean(false, { help: "accepted for compatibility" }),
  ...withoutEffect([
    "nodePortRange",
    "nodeHttpProxy",
    "nodeNoProxy",
    "nodeInsecureRegistries",
    "nodeRegistryMirrors",
    "nodePauseImage",
    "nodeContainerRuntime",
    "nodeContainerdVersion",
    "nodeContainerdRegistryMirrors",
    "nodeRegistryCredentialsSecret",
    "podCidr",
    "nodeKubeletRepository",
  ]),
};

export type RunFlags = FlagValues<typeof RUN_FLAGS>;
