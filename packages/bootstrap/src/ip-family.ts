import type { ProviderSpec } from "@machine-controller/api";

export type IpFamily = "IPv4" | "IPv6";

/** Address families of a node, the primary one first. */
export function ipFamiliesOf({ network }: ProviderSpec): readonly IpFamily[] {
  return (network?.ipFamily || "IPv4").split("+") as IpFamily[];
}
