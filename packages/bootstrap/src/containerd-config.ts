/**
 * containerd's configuration and its release line. 2.2 serves every kubelet from 1.33 to 1.36 and tells it the cgroup
 * driver; 1.x ends with Kubernetes 1.35.
 */
export const CONTAINERD_MINOR = "2.2";
export const CONTAINERD_ENDPOINT = "unix:///run/containerd/containerd.sock";

/**
 * `/etc/containerd/config.toml`. Registry mirrors can be added below certs.d, and device plugins add their runtimes
 * below conf.d, without touching this file.
 */
export const CONTAINERD_CONFIG = `version = 3
imports = ["/etc/containerd/conf.d/*.toml"]

[metrics]
address = "127.0.0.1:1338"

[plugins."io.containerd.cri.v1.images".registry]
config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = true
`;

/** Packages of containerd 2 no longer raise the limit, which many images count on. */
export const CONTAINERD_DROP_IN = `[Service]
EnvironmentFile=-/etc/environment
LimitNOFILE=1048576
`;
