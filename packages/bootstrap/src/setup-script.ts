/**
 * The script that makes a fresh instance a node, as far as all operating systems share it, and the unit that runs it
 * until it has succeeded. Each step may run again after a later one failed; no binary is installed whose published
 * checksum does not match.
 */
import { PATHS } from "./node-paths.ts";
import type { KubeletVersion } from "./kubelet-version.ts";

const CNI_PLUGINS_VERSION = "v1.9.1";
/** crictl follows Kubernetes' minor versions; kubelets outside this range get the nearest one. */
const CRICTL_MINORS = { min: 33, max: 36 };

export const SETUP_UNIT = `[Unit]
Description=Make this machine a Kubernetes node
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=true
EnvironmentFile=-/etc/environment
ExecStart=${PATHS.setup}
Restart=on-failure
RestartSec=10
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
`;

export type SetupScript = {
  kubeletVersion: KubeletVersion;
  /** Shell text that installs packages and a containerd that is ready to start. May use `retry` and `get`. */
  installPackages: string;
};

export function setupScript({ kubeletVersion: { tag, minor }, installPackages }: SetupScript): string {
  const crictlMinor = Math.min(Math.max(minor, CRICTL_MINORS.min), CRICTL_MINORS.max);
  return `#!/bin/bash
set -Eeuo pipefail
trap 'echo "setup: line $LINENO failed: $BASH_COMMAND" >&2' ERR

KUBE_VERSION="\${KUBE_VERSION:-${tag}}"
CRICTL_VERSION="\${CRICTL_VERSION:-v1.${crictlMinor}.0}"
CNI_VERSION="\${CNI_VERSION:-${CNI_PLUGINS_VERSION}}"
CACHE=/var/cache/setup

case $(uname -m) in
x86_64) ARCH=amd64 ;;
aarch64) ARCH=arm64 ;;
*)
  echo "setup: no Kubernetes binaries for $(uname -m)" >&2
  exit 1
  ;;
esac

retry() {
  local try
  for try in 1 2 3 4 5; do
    if "$@"; then return 0; fi
    echo "setup: try $try of 5 failed:" "$@" >&2
    sleep $((try * 2))
  done
  return 1
}

get() {
  retry curl -fsSL --connect-timeout 15 --speed-limit 1000 --speed-time 30 "$@"
}

# fetch URL FILE: an existing FILE was verified by an earlier run
fetch() {
  local sum
  if [ -f "$2" ]; then return 0; fi
  get "$1.sha256" -o "$2.sha256"
  get "$1" -o "$2.part"
  sum=$(cut -d' ' -f1 "$2.sha256")
  echo "$sum  $2.part" | sha256sum --check --quiet
  mv "$2.part" "$2"
}

echo "setup: system"
mkdir -p "$CACHE" /etc/cni/net.d /etc/kubernetes/manifests /opt/cni/bin
swapoff -a
sed -i -E 's/^[^#].*[[:space:]]swap[[:space:]].*/#&/' /etc/fstab
systemctl restart systemd-journald.service
systemctl restart systemd-modules-load.service || echo "setup: not all kernel modules could be loaded" >&2
sysctl -qp ${PATHS.sysctls}

echo "setup: packages"
${installPackages}
echo "setup: binaries"
fetch "https://github.com/containernetworking/plugins/releases/download/$CNI_VERSION/cni-plugins-linux-$ARCH-$CNI_VERSION.tgz" "$CACHE/cni-$CNI_VERSION"
tar -xzf "$CACHE/cni-$CNI_VERSION" --no-same-owner -C /opt/cni/bin
fetch "https://github.com/kubernetes-sigs/cri-tools/releases/download/$CRICTL_VERSION/crictl-$CRICTL_VERSION-linux-$ARCH.tar.gz" "$CACHE/crictl-$CRICTL_VERSION"
tar -xzf "$CACHE/crictl-$CRICTL_VERSION" --no-same-owner -C /usr/local/bin crictl
fetch "https://dl.k8s.io/$KUBE_VERSION/bin/linux/$ARCH/kubelet" "$CACHE/kubelet-$KUBE_VERSION"
install -m 0755 "$CACHE/kubelet-$KUBE_VERSION" ${PATHS.kubelet}

echo "setup: services"
systemctl daemon-reload
systemctl enable containerd.service
systemctl restart containerd.service
rm -rf "$CACHE"
systemctl enable --now --no-block kubelet.service
systemctl disable setup.service
echo "setup: done, the kubelet joins next"
`;
}
