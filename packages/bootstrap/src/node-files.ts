/** The files that every node gets, whatever its operating system. */
import type { NodeFile } from "./cloud-config.ts";
import { CONTAINERD_CONFIG, CONTAINERD_DROP_IN, CONTAINERD_ENDPOINT } from "./containerd-config.ts";
import { ipFamiliesOf } from "./ip-family.ts";
import { KERNEL_MODULES, sysctls } from "./kernel-settings.ts";
import { kubeletConfig } from "./kubelet-config.ts";
import { kubeletOverrides } from "./kubelet-overrides.ts";
import { kubeletUnit, nodeIpScript } from "./kubelet-unit.ts";
import { PATHS } from "./node-paths.ts";
import { SETUP_UNIT } from "./setup-script.ts";
import type { UserDataRequest } from "./user-data-request.ts";

export type NodeFilesOptions = {
  request: UserDataRequest;
  /** Undefined: the host keeps the name that its cloud gave it. */
  nodeName: string | undefined;
  setup: string;
  resolvConf?: string;
};

export function nodeFiles({ request, nodeName, setup, resolvConf }: NodeFilesOptions): NodeFile[] {
  const { machine, providerSpec } = request;
  const ipFamilies = ipFamiliesOf(providerSpec);
  const cloudConfig = providerSpec.overwriteCloudConfig || request.cloudConfig;
  const unit = kubeletUnit({
    nodeName,
    providerId: request.kubeletProviderId,
    externalCloudProvider: request.externalCloudProvider,
    taints: request.taints,
    ipFamilies,
  });
  const config = kubeletConfig({
    clusterDns: request.clusterDns,
    featureGates: request.kubeletFeatureGates,
    clientCaFile: PATHS.ca,
    overrides: kubeletOverrides(machine.metadata.annotations),
    ...(resolvConf !== undefined && { resolvConf }),
  });
  return [
    file(PATHS.bootstrapKubeconfig, request.bootstrapKubeconfig, "0600"),
    file(PATHS.ca, request.caCertificatePem),
    ...(cloudConfig ? [file(PATHS.cloudConfig, cloudConfig, "0600")] : []),
    file(PATHS.kubeletConfig, config, "0600"),
    file(PATHS.kubeletUnit, unit),
    file(PATHS.nodeIp, nodeIpScript(ipFamilies), "0755"),
    file("/etc/containerd/config.toml", CONTAINERD_CONFIG),
    file("/etc/systemd/system/containerd.service.d/kubernetes.conf", CONTAINERD_DROP_IN),
    file("/etc/crictl.yaml", `runtime-endpoint: ${CONTAINERD_ENDPOINT}\n`),
    file("/etc/modules-load.d/kubernetes.conf", KERNEL_MODULES),
    file(PATHS.sysctls, sysctls(ipFamilies)),
    file("/etc/systemd/journald.conf.d/kubernetes.conf", "[Journal]\nSystemMaxUse=5G\n"),
    file(PATHS.setup, setup, "0755"),
    file(PATHS.setupUnit, SETUP_UNIT),
  ];
}

export function file(path: string, content: string, permissions = "0644"): NodeFile {
  return { path, permissions, content };
}
