// What a person types, and a watch of what that does.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

export type Kubectl = {
  /** Resolves with stdout; rejects with stderr. `args` are as typed, split at blanks. */
  run(args: string): Promise<string>;
  /** Ready Nodes at each change, from now on. */
  watchReadyNodes(): { least(): number; stop(): Promise<void> };
};

/** @param home where kubectl keeps its caches. */
export function createKubectl(options: { path: string; kubeconfig: string; home: string }): Kubectl {
  const { path, kubeconfig, home } = options;
  const env = { HOME: home, KUBECONFIG: kubeconfig };
  const split = (args: string): string[] => args.split(" ").filter(Boolean);

  return {
    run: async (args) => (await promisify(execFile)(path, split(args), { env, timeout: 40_000 })).stdout,
    watchReadyNodes() {
      const ready = '{.object.status.conditions[?(@.type=="Ready")].status}';
      const output = `--output=jsonpath={.type} {.object.metadata.name} ${ready}{"\\n"}`;
      const child = spawn(path, ["get", "nodes", "--watch", "--output-watch-events", output], {
        env,
        stdio: ["ignore", "pipe", "inherit"],
      });
      const nodes = new Set<string>();
      let least = Number.POSITIVE_INFINITY;
      createInterface(child.stdout).on("line", (line) => {
        const [type, name = "", status] = line.split(" ");
        if (type !== "DELETED" && status === "True") nodes.add(name);
        else if (nodes.delete(name)) least = Math.min(least, nodes.size);
      });
      return {
        least: () => least,
        async stop() {
          child.kill();
          await once(child, "exit");
        },
      };
    },
  };
}
