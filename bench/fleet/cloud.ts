/** Starts the cloud of a fleet and asks it what was asked of it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export type CloudOptions = {
  kubeconfig: string;
  /** Each is a project of its own. */
  tokens: readonly string[];
  /** Requests with one of these are never answered. */
  deadTokens: readonly string[];
  /** Of every answer. */
  delayMs: number;
  /** Whether its servers join as Nodes. */
  joins: boolean;
};

/** A second token of the first project: whoever makes a server with it makes its Node too. */
export const SEED_TOKEN = "seed-token";

export type CloudReport = {
  /** Token → method and path → how often. */
  calls: Record<string, Record<string, number>>;
  /** Name of a server → when the creation that made it was asked for, in epoch milliseconds. */
  createdAt: Record<string, number>;
};

export type Cloud = {
  readonly url: string;
  report(): Promise<CloudReport>;
  /** Calls of all tokens, by method and path. */
  calls(): Promise<Map<string, number>>;
  stop(): void;
};

export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const child = fork(join(import.meta.dirname, "cloud-process.ts"), [JSON.stringify(options)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "exit").then(() => {
    throw new Error("the cloud of the fleet ended");
  });
  ended.catch(() => undefined);
  const next = async <T>(): Promise<T> => {
    const [message] = (await Promise.race([once(child, "message"), ended])) as [T];
    return message;
  };
  const { url } = await next<{ url: string }>();
  const report = (): Promise<CloudReport> => {
    child.send("report");
    return next();
  };
  return {
    url,
    report,
    async calls() {
      const counts = new Map<string, number>();
      for (const ofToken of Object.values((await report()).calls)) {
        for (const [call, count] of Object.entries(ofToken)) counts.set(call, (counts.get(call) ?? 0) + count);
      }
      return counts;
    },
    stop: () => void child.kill(),
  };
}
