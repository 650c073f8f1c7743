/** Where things lie on a node. Simulated machines look for them by what the kubelet's flags say. */
export const PATHS = {
  bootstrapKubeconfig: "/etc/kubernetes/bootstrap-kubelet.conf",
  ca: "/etc/kubernetes/pki/ca.crt",
  cloudConfig: "/etc/kubernetes/cloud-config",
  kubelet: "/opt/bin/kubelet",
  kubeletConfig: "/etc/kubernetes/kubelet.conf",
  kubeletUnit: "/etc/systemd/system/kubelet.service",
  nodeIp: "/opt/bin/node-ip",
  setup: "/opt/bin/setup",
  setupUnit: "/etc/systemd/system/setup.service",
  sysctls: "/etc/sysctl.d/99-kubernetes.conf",
} as const;
