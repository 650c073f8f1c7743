// The embedded control plane in a process of its own, over TLS, as clients meet it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface EmbeddedProcess {
  /** A file with the credentials of an administrator. */
  readonly kubeconfigPath: string;
  readonly pid: number;
  /** What the server logged since it was started: one JSON object a line. */
  log(): string;
  /** Ends the process as SIGKILL does and serves the same data again, on the same port. */
  killAndRestart(): Promise<void>;
  /** Ends the process and removes its files. Safe to repeat. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Flags of Node for the server alone. */
  execArgv?: string[];
  /** As in `ControlPlaneOptions`. */
  keptRevisions?: number;
}

/** Throws with the server's log when it does not come up. */
export async function startEmbeddedProcess(options: EmbeddedOptions = {}): Promise<EmbeddedProcess> {
  const folder = mkdtempSync(join(tmpdir(), "embedded-control-plane-"));
  let server = await serve(folder, options);
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.child.exitCode !== null || server.child.signalCode !== null) return;
    server.child.kill(signal);
    await once(server.child, "exit");
  };
  const onExit = (): boolean => server.child.kill("SIGKILL");
  process.once("exit", onExit);
  return {
    kubeconfigPath: join(folder, "kubeconfig"),
    get pid() {
      return server.child.pid ?? 0;
    },
    log: () => server.log(),
    async killAndRestart() {
      const port = /server: https:\/\/[^:]+:(\d+)/.exec(readFileSync(join(folder, "kubeconfig"), "utf8"))?.[1] ?? "0";
      await kill("SIGKILL");
      server = await serve(folder, { ...options, port });
    },
    async stop() {
      // So that it writes its profile.
      await kill(options.execArgv?.includes("--cpu-prof") ? "SIGINT" : "SIGKILL");
      process.off("exit", onExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function serve(folder: string, options: EmbeddedOptions & { port?: string }) {
  const { execArgv = [], port = "0", keptRevisions } = options;
  const program = join(import.meta.dirname, "serve-control-plane.ts");
  const args = [program, folder, port, ...(keptRevisions === undefined ? [] : [String(keptRevisions)])];
  // As `npm start` has it.
  const cache = new URL("../../scripts/compile-cache.mjs", import.meta.url).href;
  const memory = ["--max-semi-space-size=2", "--heap-growing-percent=20", "--no-concurrent-recompilation"];
  const flags = ["--disable-warning=ExperimentalWarning", ...memory, "--import", cache, ...execArgv];
  const child = spawn(process.execPath, [...flags, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const listening = once(child.stdout, "data");
  const outcome = await Promise.race([listening, once(child, "exit")]);
  if (!Buffer.isBuffer(outcome[0])) throw new Error(`the embedded control plane did not come up:\n${log}`);
  return { child, log: () => log };
}
