/** The flags of `webhook`: those of the Go implementation's binary of that name, and how to do without cert-manager. */
import { type AllowsKubelet, parseVersionConstraint } from "@machine-controller/admission";
import type { Command } from "commander";
import { parseAddress, parseBoolean, parseFeatureGates } from "./go-flags.ts";
import { UsageError } from "./usage-error.ts";

export type WebhookFlags = {
  kubeconfig?: string;
  master?: string;
  listenAddress: { host: string; port: number };
  tlsCertPath: string;
  tlsKeyPath: string;
  manageCertificate: boolean;
  namespace: string;
  serviceName: string;
  webhookConfiguration: string;
  kubernetesVersionConstraints: AllowsKubelet;
  immutabilityBypassUsers: string;
  nodeExternalCloudProvider: boolean;
  nodeKubeletFeatureGates: Record<string, boolean>;
  logDebug: boolean;
  logFormat: string;
};

/** No cloud and no Secret is asked any more. */
const WITHOUT_EFFECT = ["ca-bundle", "worker-cluster-kubeconfig", "use-external-bootstrap"];
const ANY_VERSION = ">=0.0.0-0";
const ROTATE_GATE = "RotateKubeletServerCertificate";

export function addWebhookFlags(command: Command): Command {
  const address = { host: "0.0.0.0", port: 9876 };
  command
    .option("--kubeconfig <path>", "kubeconfig of the cluster, for --manage-certificate")
    .option("--master <url>", "URL of the API server, instead of the kubeconfig's")
    .addOption(
      command
        .createOption("--listen-address <host:port>", "serves the webhooks and /healthz, over TLS")
        .argParser(parseAddress)
        .default(address, ":9876"),
    )
    .option("--tls-cert-path <path>", "PEM file of the serving certificate, read again on change", "/tmp/cert/tls.crt")
    .option("--tls-key-path <path>", "PEM file of its key", "/tmp/cert/tls.key")
    .option(
      "--manage-certificate [bool]",
      "make an own authority and certificate, kept in the Secret machine-controller-webhook-ca, instead of the files",
      parseBoolean,
      false,
    )
    .option("--namespace <namespace>", "namespace of that Secret and of the Service", "kube-system")
    .option("--service-name <name>", "Service that the certificate is for", "machine-controller-webhook")
    .option(
      "--webhook-configuration <name>",
      "MutatingWebhookConfiguration that is told of the authority",
      "machine-controller",
    )
    .addOption(
      command
        .createOption("--kubernetes-version-constraints <constraints>", "versions that kubelets may have")
        .argParser(parseConstraints)
        .default(parseVersionConstraint(ANY_VERSION), ANY_VERSION),
    )
    .option(
      "--immutability-bypass-users <users>",
      "comma list of users who may change a Machine's spec with the bypass annotation; everybody if empty",
      "",
    )
    .option(
      "--node-external-cloud-provider [bool]",
      "a cloud-controller-manager looks after Nodes",
      parseBoolean,
      false,
    )
    .addOption(
      command
        .createOption("--node-kubelet-feature-gates <gates>", "comma list of Gate=bool, noted on new Machines")
        .argParser(parseFeatureGates)
        .default({ [ROTATE_GATE]: true }, `${ROTATE_GATE}=true`),
    )
    .option("--log-debug [bool]", "log every request", parseBoolean, false)
    .option("--log-format <format>", "JSON or console", "JSON");
  for (const name of WITHOUT_EFFECT) {
    command.addOption(
      command.createOption(`--${name} [value]`, "accepted for compatibility, without effect").hideHelp(),
    );
  }
  return command;
}

function parseConstraints(value: string): AllowsKubelet {
  try {
    return parseVersionConstraint(value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`--kubernetes-version-constraints: ${reason}`, { cause });
  }
}
