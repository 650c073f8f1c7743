/** The flags of `webhook`: those of the Go implementation's binary of that name, and how to do without cert-manager. */
import { ADMISSION_FLAGS, NODE_FLAGS } from "./admission-flags.ts";
import { CLUSTER_FLAGS, LOG_FLAGS } from "./cluster-flags.ts";
import { boolean, type FlagValues, parsed, withoutEffect } from "./define-flags.ts";
import { parseAddress } from "./go-values.ts";
import { UsageError } from "../usage-error.ts";

export const WEBHOOK_FLAGS = {
  ...CLUSTER_FLAGS,
  listenAddress: parsed({
    group: "Admission",
    value: "host:port",
    help: "serves the webhooks and /healthz, over TLS",
    fallback: { host: "0.0.0.0", port: 9876 },
    shown: ":9876",
    parse(value) {
      const address = parseAddress(value);
      if (!address) throw new UsageError("must not be empty; use host:port");
      return address;
    },
  }),
  ...ADMISSION_FLAGS,
  ...NODE_FLAGS,
  ...LOG_FLAGS,
  useExternalBootstrap: boolean(true, { help: "accepted for compatibility" }),
  // No cloud and no Secret is asked any more.
  ...withoutEffect(["caBundle", "workerClusterKubeconfig"]),
};

export type WebhookFlags = FlagValues<typeof WEBHOOK_FLAGS>;
