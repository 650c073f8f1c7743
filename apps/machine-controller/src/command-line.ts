/** The commands and their options. Each command's module loads only when it is chosen. */
import { Command } from "commander";
import { addFlags } from "./flags/define-flags.ts";
import { parseCount } from "./flags/go-values.ts";
import { MIGRATE_FLAGS, type MigrateFlags } from "./flags/migrate-flags.ts";
import { RUN_FLAGS, type RunFlags } from "./flags/run-flags.ts";
import { WEBHOOK_FLAGS, type WebhookFlags } from "./flags/webhook-flags.ts";
import type { UpOptions } from "./up/up.ts";
import { UsageError } from "./usage-error.ts";

type Terminal = { environment: NodeJS.ProcessEnv; stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream };

const NOTE = `
Flags may be written with one dash or two, as -name=value or -name value; booleans as -name or -name=false.
Durations have the form 30s, 25m or 2h.`;

export function createProgram({ environment, stdout, stderr }: Terminal): Command {
  const program = new Command("machine-controller")
    .description(
      "Turns Machine, MachineSet and MachineDeployment objects into cloud instances that join the cluster as Nodes.",
    )
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) });

  addFlags(program.command("run", { isDefault: true }), RUN_FLAGS)
    .description("run the controller against a Kubernetes cluster and real clouds")
    .addHelpText("after", NOTE)
    .action(async (flags: RunFlags) => {
      const { run } = await import("./run.ts");
      await run(flags, environment);
    });

  addFlags(program.command("webhook"), WEBHOOK_FLAGS)
    .description("serve the admission webhooks of Machines, MachineSets and MachineDeployments")
    .addHelpText("after", NOTE)
    .action(async (flags: WebhookFlags) => {
      const { webhook } = await import("./webhook/webhook.ts");
      await webhook(flags);
    });

  addFlags(program.command("migrate"), MIGRATE_FLAGS)
    .description("bring objects of earlier releases into today's form; says what it would do unless told to do it")
    .addHelpText("after", NOTE)
    .action(async (flags: MigrateFlags) => {
      const { migrate } = await import("./migrate/migrate.ts");
      await migrate(flags, { environment, stdout });
    });

  program
    .command("up")
    .description("try it here: an embedded Kubernetes API server, simulated clouds and the controller in one process")
    .option("--state-dir <folder>", "where the cluster and the simulated clouds are kept between runs", ".state")
    .option(
      "--port <port>",
      "port of the API server on 127.0.0.1; simulated clouds take the ports after it",
      parsePort,
      7443,
    )
    .option("--no-demo", "apply no example to a new cluster")
    .option("--apply <file...>", "apply these manifests, instead of the example")
    .option("--log-debug", "log every decision", false)
    .action(async (options: UpOptions) => {
      const { up } = await import("./up/up.ts");
      await up(options, { environment, stdout });
    });
  return program;
}

function parsePort(value: string): number {
  const port = parseCount(value);
  if (port > 65_000) throw new UsageError(`--port ${value}: a port is a number up to 65000`);
  return port;
}
