/** Kernel modules and parameters of a node. */
import type { IpFamily } from "./ip-family.ts";

/** `/etc/modules-load.d/*.conf`: bridged traffic through iptables, and kube-proxy in IPVS mode. */
export const KERNEL_MODULES = ["br_netfilter", "overlay", "nf_conntrack", "ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh"]
  .map((name) => `${name}\n`)
  .join("");

/** The kubelet exits with `protectKernelDefaults` unless the kernel.* and vm.* values are exactly these. */
const SYSCTLS: Readonly<Record<string, number>> = {
  "fs.inotify.max_user_instances": 8192,
  "fs.inotify.max_user_watches": 1048576,
  "kernel.panic": 10,
  "kernel.panic_on_oops": 1,
  "net.bridge.bridge-nf-call-ip6tables": 1,
  "net.bridge.bridge-nf-call-iptables": 1,
  "net.ipv4.ip_forward": 1,
  "vm.overcommit_memory": 1,
};
/** A router ignores router advertisements unless told 2, and would lose its own default route. */
const SYSCTLS_IPV6: Readonly<Record<string, number>> = {
  "net.ipv6.conf.all.accept_ra": 2,
  "net.ipv6.conf.all.forwarding": 1,
};

/** `/etc/sysctl.d/*.conf` */
export function sysctls(families: readonly IpFamily[]): string {
  return Object.entries({ ...SYSCTLS, ...(families.includes("IPv6") && SYSCTLS_IPV6) })
    .map(([key, value]) => `${key} = ${value}\n`)
    .join("");
}
