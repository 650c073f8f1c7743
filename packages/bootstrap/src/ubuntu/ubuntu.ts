/** User data of an Ubuntu node: one cloud-config document with everything, nothing is fetched from the cluster. */
import { instanceNameOf } from "@machine-controller/api";
import { BootstrapError } from "../bootstrap-error.ts";
import { toCloudConfigYaml } from "../cloud-config.ts";
import { quirksOf } from "../cloud-quirks.ts";
import { parseKubeletVersion } from "../kubelet-version.ts";
import { file, nodeFiles } from "../node-files.ts";
import { setupScript } from "../setup-script.ts";
import type { UserDataRequest } from "../user-data-request.ts";
import { CONTAINERD_PIN, INSTALL_PACKAGES } from "./setup.ts";

/** @throws BootstrapError `InvalidMachine` */
export function ubuntuUserData(request: UserDataRequest): string {
  const { machine, providerSpec } = request;
  refuseStaticAddress(request);
  const nodeName = request.hostnameOverride ? parseName(instanceNameOf(machine)) : undefined;
  const kubeletVersion = parseKubeletVersion(machine.spec.versions.kubelet);
  const sshKeys = [...new Set(providerSpec.sshPublicKeys?.map((key) => key.trim()))];
  const sshCa = providerSpec.caPublicKey?.trim();
  const { fallbackDns } = quirksOf(providerSpec.cloudProvider);
  return toCloudConfigYaml({
    ...(nodeName !== undefined && { hostname: nodeName }),
    ssh_pwauth: false,
    ...(sshKeys.length > 0 && { ssh_authorized_keys: sshKeys }),
    ...(providerSpec.operatingSystemSpec?.["distUpgradeOnBoot"] === true && {
      package_upgrade: true,
      package_reboot_if_required: true,
    }),
    write_files: [
      ...nodeFiles({
        request,
        nodeName,
        setup: setupScript({ kubeletVersion, installPackages: INSTALL_PACKAGES }),
        // /etc/resolv.conf names the local stub, which no pod can reach.
        resolvConf: "/run/systemd/resolve/resolv.conf",
      }),
      file("/etc/apt/preferences.d/containerd", CONTAINERD_PIN),
      ...(fallbackDns
        ? [file("/etc/systemd/resolved.conf.d/fallback.conf", `[Resolve]\nFallbackDNS=${fallbackDns.join(" ")}\n`)]
        : []),
      ...(sshCa
        ? [
            file("/etc/ssh/user-ca.pub", `${sshCa}\n`),
            file("/etc/ssh/sshd_config.d/user-ca.conf", "TrustedUserCAKeys /etc/ssh/user-ca.pub\n"),
          ]
        : []),
    ],
    runcmd: [
      "systemctl daemon-reload",
      ...(fallbackDns ? ["systemctl try-restart systemd-resolved.service"] : []),
      ...(sshCa ? ["systemctl try-restart ssh.service"] : []),
      "systemctl enable --now --no-block setup.service",
    ],
  });
}

function refuseStaticAddress({ providerSpec: { network } }: UserDataRequest): void {
  if (!network?.cidr && !network?.gateway) return;
  const path = "spec.providerSpec.value.network";
  const message = `${path}: Ubuntu nodes take their addresses from the cloud; remove cidr and gateway`;
  throw new BootstrapError("InvalidMachine", message, { path });
}

function parseName(name: string): string {
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(name)) return name;
  const path = "spec.metadata.name";
  throw new BootstrapError("InvalidMachine", `${path}: ${JSON.stringify(name)} is no host name`, { path });
}
