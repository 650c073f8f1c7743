// User data that the suite gives, as an operating-system-manager would, for operating systems that the controller makes
// none for: a Secret for the MachineDeployment, with a bootstrap token that all its Machines share.
import { randomInt } from "node:crypto";
import { bootstrapKubeconfig, parseClusterInfo } from "@machine-controller/bootstrap";
import {
  ANNOTATION_BOOTSTRAP_REVISION,
  BOOTSTRAP_GROUP,
  BOOTSTRAP_NAMESPACE,
  bootstrapSecretName,
} from "@machine-controller/api/well-known";
import { coreResources, type Secret } from "@machine-controller/kube-client";
import { stringify } from "yaml";
import type { Cluster } from "./cluster.ts";
import { NAMESPACE } from "./manifest.ts";

const TOKEN_LIFETIME_MS = 2 * 60 * 60_000;
const LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** The Secret with the user data and the Secret with its token, neither of them created yet. */
export async function bootstrapConfig(
  { client, signal }: Cluster,
  { deployment, kubelet, sshKey }: { deployment: string; kubelet: string; sshKey: string },
): Promise<Secret[]> {
  const ref = { namespace: "kube-public", name: "cluster-info" };
  const { data } = await client.get(coreResources.configMaps, ref, { signal });
  const { server, caCertificatePem } = parseClusterInfo(data?.["kubeconfig"] ?? "");
  const [id, secret] = [letters(6), letters(16)];
  const kubeconfig = bootstrapKubeconfig({ server, caCertificatePem, token: `${id}.${secret}` });
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      type: "bootstrap.kubernetes.io/token",
      metadata: { name: `bootstrap-token-${id}`, namespace: NAMESPACE },
      stringData: {
        "token-id": id,
        "token-secret": secret,
        expiration: new Date(Date.now() + TOKEN_LIFETIME_MS).toISOString().replace(/\.\d+/, ""),
        "usage-bootstrap-authentication": "true",
        "auth-extra-groups": BOOTSTRAP_GROUP,
      },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: bootstrapSecretName(deployment, NAMESPACE),
        namespace: BOOTSTRAP_NAMESPACE,
        annotations: { [ANNOTATION_BOOTSTRAP_REVISION]: "1" },
      },
      stringData: { "cloud-config": rockyCloudConfig({ kubeconfig, caCertificatePem, kubelet, sshKey }) },
    },
  ];
}

const letters = (length: number): string => Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join("");

/** The least that makes Rocky Linux 9 a node. */
function rockyCloudConfig(options: {
  kubeconfig: string;
  caCertificatePem: string;
  kubelet: string;
  sshKey: string;
}): string {
  const file = (path: string, content: string, permissions = "0644") => ({ path, permissions, content });
  return `#cloud-config\n${stringify({
    hostname: "<MACHINE_NAME>",
    ssh_pwauth: false,
    ssh_authorized_keys: [options.sshKey],
    write_files: [
      file("/etc/kubernetes/bootstrap-kubelet.conf", options.kubeconfig, "0600"),
      file("/etc/kubernetes/pki/ca.crt", options.caCertificatePem),
      file("/etc/kubernetes/kubelet.conf", KUBELET_CONFIG),
      file("/etc/systemd/system/kubelet.service", KUBELET_UNIT),
      file("/opt/bin/setup", setup(options.kubelet), "0755"),
    ],
    runcmd: ["/opt/bin/setup"],
  })}`;
}

const KUBELET_CONFIG = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
cgroupDriver: systemd
rotateCertificates: true
`;

const KUBELET_UNIT = `[Unit]
Description=Kubernetes node agent
After=containerd.service

[Service]
ExecStart=/opt/bin/kubelet \\
  --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \\
  --kubeconfig=/var/lib/kubelet/kubeconfig \\
  --config=/etc/kubernetes/kubelet.conf \\
  --container-runtime-endpoint=unix:///run/containerd/containerd.sock \\
  --hostname-override=<MACHINE_NAME>
Restart=always
RestartSec=10

[Install]
WantedBy=multi-user.target
`;

const setup = (kubelet: string): string => `#!/bin/bash
set -euo pipefail
KUBE_VERSION="v${kubelet}"
setenforce 0
sed -i 's/^SELINUX=.*/SELINUX=permissive/' /etc/selinux/config
systemctl disable --now firewalld.service || true
swapoff -a
modprobe -a br_netfilter overlay
sysctl -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
dnf install -y conntrack-tools dnf-plugins-core ethtool iproute-tc socat tar
dnf config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo
dnf install -y containerd.io
containerd config default | sed 's/SystemdCgroup = false/SystemdCgroup = true/' >/etc/containerd/config.toml
systemctl enable --now containerd.service
case $(uname -m) in x86_64) ARCH=amd64 ;; *) ARCH=arm64 ;; esac
curl -fsSL "https://dl.k8s.io/$KUBE_VERSION/bin/linux/$ARCH/kubelet" -o /opt/bin/kubelet
chmod 0755 /opt/bin/kubelet
systemctl daemon-reload
systemctl enable --now kubelet.service
`;
