/** The rule of `-kubernetes-version-skew`, held to the version that the API server has now. */
import { type AllowsKubelet, kubeletSkewRule } from "@machine-controller/admission";
import type { KubeClient } from "@machine-controller/kube-client";
import type { Clock } from "@machine-controller/kube-runtime";
import type { Log } from "@machine-controller/controllers";

/** An upgrade of the control plane is noticed within this time. */
const ASK_AGAIN_MS = 60_000;

/** Until the first answer of the API server, and without the flag, every version is allowed. */
export function followKubeletSkew(options: {
  flags: { kubernetesVersionSkew: number | undefined };
  client: KubeClient | undefined;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}): { allowsKubelet: AllowsKubelet; run(): Promise<void> } {
  const { client, clock, log, signal } = options;
  const { kubernetesVersionSkew: minors } = options.flags;
  if (minors === undefined || client === undefined)
    return { allowsKubelet: () => undefined, run: async () => undefined };
  let serverVersion: string | undefined;

  async function ask(client: KubeClient): Promise<void> {
    const response = await client.request("/version", { signal });
    const { gitVersion } = (await response.json()) as { gitVersion?: string };
    serverVersion = gitVersion ?? serverVersion;
  }

  return {
    allowsKubelet: (version) => kubeletSkewRule(version, { minors, serverVersion }),
    async run() {
      while (!signal.aborted) {
        await ask(client).catch((error: unknown) => {
          if (!signal.aborted) log("warn", `version of the API server: ${String(error)}`);
        });
        await clock.sleep(ASK_AGAIN_MS, { signal }).catch(() => undefined);
      }
    },
  };
}
