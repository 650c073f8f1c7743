/** The kubelet's systemd unit, and the script that tells it the node's addresses before each of its starts. */
import type { Taint } from "@machine-controller/api";
import { BootstrapError } from "./bootstrap-error.ts";
import { CONTAINERD_ENDPOINT } from "./containerd-config.ts";
import type { IpFamily } from "./ip-family.ts";
import { PATHS } from "./node-paths.ts";

export type KubeletUnitOptions = {
  /** Name of the Node; undefined: the host's own name. */
  nodeName: string | undefined;
  providerId: string | undefined;
  externalCloudProvider: boolean;
  taints: readonly Taint[];
  ipFamilies: readonly IpFamily[];
};

const NODE_IP_ENVIRONMENT = "/run/kubelet-node-ip.env";

/**
 * The watchdog is the kubelet's own (Kubernetes 1.32+) and counts from its readiness on; before that it may wait for its
 * certificate as long as it takes.
 */
export function kubeletUnit(options: KubeletUnitOptions): string {
  const name = options.nodeName === undefined ? "" : `Environment=KUBELET_HOSTNAME=${options.nodeName}\n`;
  return `[Unit]
Description=Kubernetes node agent
Wants=containerd.service network-online.target
After=containerd.service network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
${name}EnvironmentFile=-/etc/environment
EnvironmentFile=-${NODE_IP_ENVIRONMENT}
ExecStartPre=${PATHS.nodeIp}
ExecStart=${[PATHS.kubelet, ...flags(options)].join(" \\\n  ")}
Restart=always
RestartSec=10
TimeoutStartSec=infinity
WatchdogSec=60
CPUAccounting=true
MemoryAccounting=true

[Install]
WantedBy=multi-user.target
`;
}

function flags({ nodeName, providerId, externalCloudProvider, taints, ipFamilies }: KubeletUnitOptions): string[] {
  // With two families the addresses are the cloud-controller-manager's to tell.
  const isNodeIpKnown = !(externalCloudProvider && ipFamilies.length > 1);
  return [
    `--bootstrap-kubeconfig=${PATHS.bootstrapKubeconfig}`,
    "--kubeconfig=/var/lib/kubelet/kubeconfig",
    `--config=${PATHS.kubeletConfig}`,
    "--cert-dir=/etc/kubernetes/pki",
    `--container-runtime-endpoint=${CONTAINERD_ENDPOINT}`,
    ...(nodeName === undefined ? [] : ["--hostname-override=${KUBELET_HOSTNAME}"]),
    ...(isNodeIpKnown ? ["--node-ip=${KUBELET_NODE_IP}"] : []),
    ...(externalCloudProvider ? ["--cloud-provider=external"] : []),
    ...(providerId === undefined ? [] : [`--provider-id=${escapeForUnit(providerId)}`]),
    // From the start, so that no pod slips in before the controller has met the Node.
    ...(taints.length === 0 ? [] : [`--register-with-taints=${taints.map(toTaintFlag).join(",")}`]),
  ];
}

function toTaintFlag({ key, value = "", effect }: Taint, index: number): string {
  const flag = `${key}${value && `=${value}`}:${effect}`;
  if (!/^[\w./-]+(=[\w.-]+)?:(NoSchedule|PreferNoSchedule|NoExecute)$/.test(flag)) {
    const path = `spec.taints[${index}]`;
    throw new BootstrapError("InvalidMachine", `${path}: a kubelet refuses the taint ${JSON.stringify(flag)}`, {
      path,
    });
  }
  return flag;
}

function escapeForUnit(text: string): string {
  return text.replaceAll("%", "%%").replaceAll("$", () => "$$");
}

/** Asking for the route to a documentation address names the default route's source and sends nothing. */
const ROUTE_TARGETS: Readonly<Record<IpFamily, string>> = {
  IPv4: "-4 route get 192.0.2.1",
  IPv6: "-6 route get 2001:db8::1",
};

export function nodeIpScript(families: readonly IpFamily[]): string {
  const addresses = families.map((family) => `$(ip -o ${ROUTE_TARGETS[family]} | grep -oP ' src \\K\\S+')`);
  return `#!/bin/bash
# The sources of the default routes, which can change between two starts of the kubelet.
set -euo pipefail
${addresses.map((address, index) => `ip${index}=${address}`).join("\n")}
echo "KUBELET_NODE_IP=${addresses.map((_, index) => `$ip${index}`).join(",")}" >${NODE_IP_ENVIRONMENT}
`;
}
