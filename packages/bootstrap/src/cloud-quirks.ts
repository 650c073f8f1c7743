/** What a node needs for the cloud it runs on, beyond what every node gets. */
export type CloudQuirks = {
  /** Resolvers for images whose own were seen to vanish after a reboot, as `<address>#<TLS name>`. */
  fallbackDns?: readonly string[];
};

const QUIRKS: Readonly<Record<string, CloudQuirks>> = {
  hetzner: {
    fallbackDns: ["1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001"].map(
      (address) => `${address}#cloudflare-dns.com`,
    ),
  },
};

export function quirksOf(cloudProvider: string): CloudQuirks {
  return QUIRKS[cloudProvider] ?? {};
}
