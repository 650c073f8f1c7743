/** The commands and their options. Each command's module loads only when it is chosen. */
import { Command } from "commander";
import { parseCount } from "./go-flags.ts";
import { addRunFlags, type RunFlags } from "./run-flags.ts";
import type { UpOptions } from "./up.ts";
import { UsageError } from "./usage-error.ts";
import { addWebhookFlags, type WebhookFlags } from "./webhook-flags.ts";

type Terminal = { environment: NodeJS.ProcessEnv; stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream };

export function createProgram({ environment, stdout, stderr }: Terminal): Command {
  const program = new Command("machine-controller")
    .description(
      "Turns Machine, MachineSet and MachineDeployment objects into cloud instances that join the cluster as Nodes.",
    )
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) });

  addRunFlags(program.command("run", { isDefault: true }))
    .description("run the controller against a Kubernetes cluster and real clouds")
    .action(async (flags: RunFlags) => {
      const { run } = await import("./run.ts");
      await run(flags, environment);
    });

  addWebhookFlags(program.command("webhook"))
    .description("serve the admission webhooks of Machines, MachineSets and MachineDeployments")
    .action(async (flags: WebhookFlags) => {
      const { webhook } = await import("./webhook.ts");
      await webhook(flags);
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
      const { up } = await import("./up.ts");
      await up(options, { environment, stdout });
    });
  return program;
}

function parsePort(value: string): number {
  const port = parseCount(value);
  if (port > 65_000) throw new UsageError(`--port ${value}: a port is a number up to 65000`);
  return port;
}
