/** The flags of `migrate`. */
import { CLUSTER_FLAGS, LOG_FLAGS } from "./cluster-flags.ts";
import { boolean, type FlagValues, parsed, text } from "./define-flags.ts";

export const MIGRATE_FLAGS = {
  ...CLUSTER_FLAGS,
  dryRun: boolean(true, { group: "Migration", help: "only say what would be done; -dry-run=false does it" }),
  name: text("", { group: "Migration", value: "name", help: "-name of the controller that is to stand by meanwhile" }),
  leaderElectionNamespace: parsed({
    group: "Migration",
    value: "name",
    help: "namespace of that controller's Lease, which the migration holds",
    fallback: "kube-system",
    shown: "kube-system",
    parse: (value) => value || "kube-system",
  }),
  ...LOG_FLAGS,
};

export type MigrateFlags = FlagValues<typeof MIGRATE_FLAGS>;
