/** `machine-controller migrate`: objects of earlier releases in today's form. Says what it would do unless told to do it. */
import { systemClock } from "@machine-controller/kube-runtime";
import { createProviders } from "../compose.ts";
import { connectCluster } from "../connect-cluster.ts";
import { elect } from "../elect.ts";
import type { MigrateFlags } from "../flags/migrate-flags.ts";
import { createLog } from "../log/log.ts";
import { createRedactor } from "../log/redactor.ts";
import { runToEnd } from "../process-end.ts";
import { UsageError } from "../usage-error.ts";
import { migrateLegacyMachines } from "./migrate-legacy-machines.ts";
import { migrateProviderConfig } from "./migrate-provider-config.ts";
import { createReport } from "./report.ts";

/** @throws UsageError where objects are left that a person has to look at. */
export async function migrate(
  flags: MigrateFlags,
  { environment, stdout }: { environment: NodeJS.ProcessEnv; stdout: NodeJS.WriteStream },
): Promise<void> {
  const { dryRun } = flags;
  const redactor = createRedactor();
  const { redact } = redactor;
  const log = createLog({ destination: 2, debug: flags.logDebug, format: flags.logFormat, redact });
  await runToEnd(log, async (signal) => {
    const { client, close } = await connectCluster(flags);
    await using stack = new AsyncDisposableStack();
    stack.defer(close);
    const report = createReport(({ object, outcome, message }) =>
      stdout.write(redact(`${outcome === "done" && dryRun ? "would be done" : outcome}  ${object}: ${message}\n`)),
    );
    const providers = createProviders({ client, environment }, { redactor });
    const work = async (signal: AbortSignal): Promise<void> => {
      const context = { client, providers, clock: systemClock, dryRun, report, signal };
      await migrateLegacyMachines(context);
      await migrateProviderConfig(context);
    };
    // No controller may see a Machine half-way: while the Lease is held here, none acts.
    const name = flags.name ? `machine-controller-${flags.name}` : "machine-controller";
    if (dryRun) await work(signal);
    else {
      const lease = { namespace: flags.leaderElectionNamespace, name };
      await elect({ client, log, ...lease, lead: work, held: nothing, released: nothing, signal });
    }
    const count = (outcome: string): number => report.findings.filter((finding) => finding.outcome === outcome).length;
    stdout.write(`${count("done")} ${dryRun ? "to migrate" : "migrated"}, ${count("problem")} to be looked at\n`);
    if (dryRun && count("done") > 0) stdout.write("Nothing was changed; -dry-run=false does it.\n");
    if (count("problem") > 0) throw new UsageError(`${count("problem")} objects were left as they are; see above`);
  });
}

const nothing = (): void => undefined;
