// One process of the control plane: its log goes to a file, and whoever waits for it learns why it ended.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface PeerProcess {
  readonly name: string;
  readonly pid: number;
  /** Resolves when `isReady` says so; throws with the end of the log when the process ends or takes too long. */
  waitUntil(isReady: (signal: AbortSignal) => Promise<boolean>, signal: AbortSignal): Promise<void>;
  /** Ends the process at once, without its consent; resolves when it is gone. Safe to repeat. */
  kill(): Promise<void>;
}

export interface PeerCommand {
  name: string;
  executable: string;
  /** Flag → value, without the leading dashes. */
  flags: Record<string, string>;
  logPath: string;
}

const POLL_MS = 50;
const PROBE_TIMEOUT_MS = 5_000;
const READY_TIMEOUT_MS = 60_000;
const LOG_TAIL_LINES = 25;

export function startPeerProcess({ name, executable, flags, logPath }: PeerCommand): PeerProcess {
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  const log = openSync(logPath, "a");
  // No environment: ETCD_* variables and proxies of the caller must not reach the peer.
  const child = spawn(executable, args, { env: {}, stdio: ["ignore", log, log] });
  closeSync(log);
  // A caller that forgets to stop the peer must not hang on it; it is killed when the caller exits.
  child.unref();
  let ended: string | undefined;
  let isKilled = false;
  child.on("error", (error) => {
    ended ??= `${name} cannot be started (${error.message})`;
  });
  child.once("exit", (code, signal) => {
    ended = `${name} ended (${signal ?? `exit code ${code}`})`;
    if (!isKilled) console.error(ended);
  });
  const failure = (what: string): Error => {
    const tail = readFileSync(logPath, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES);
    return new Error(`${what}; the end of its log:\n${tail.join("\n")}`);
  };

  return {
    name,
    // NaN is never seen: what cannot be started fails the first wait.
    pid: child.pid ?? Number.NaN,
    async waitUntil(isReady, signal) {
      const deadline = performance.now() + READY_TIMEOUT_MS;
      while (!(await isReady(AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)])))) {
        if (ended !== undefined) throw failure(ended);
        if (performance.now() > deadline) throw failure(`${name} is not ready after ${READY_TIMEOUT_MS / 1000} s`);
        await sleep(POLL_MS, undefined, { signal });
      }
    },
    async kill() {
      isKilled = true;
      if (ended !== undefined) return;
      child.ref();
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
