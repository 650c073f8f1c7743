/** Packages of an Ubuntu node: containerd from Docker's repository, and what the kubelet calls. */
import { CONTAINERD_MINOR } from "../containerd-config.ts";

/** `/etc/apt/preferences.d/*`: whoever upgrades packages, containerd stays in its release line. */
export const CONTAINERD_PIN = `Package: containerd.io
Pin: version ${CONTAINERD_MINOR}.*
Pin-Priority: 1001
`;

/** The image's own upgrades may hold apt's lock for minutes after the first boot. */
export const INSTALL_PACKAGES = `export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt_get() {
  retry apt-get -qqy -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold "$@"
}
if command -v ufw >/dev/null; then ufw --force disable; fi
apt_get update
apt_get install --no-install-recommends ca-certificates cifs-utils conntrack curl ebtables ethtool iptables kmod nfs-common socat
mkdir -p /etc/apt/keyrings
get https://download.docker.com/linux/ubuntu/gpg -o /etc/apt/keyrings/docker.asc
# shellcheck source=/dev/null
. /etc/os-release
echo "deb [signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/ubuntu $VERSION_CODENAME stable" >/etc/apt/sources.list.d/docker.list
apt_get update
apt_get install --allow-downgrades "containerd.io=${CONTAINERD_MINOR}.*"
`;
