/** The simulated clouds of `up`: each on a port of its own, and the environment that leads providers to them. */
import { type Connect, serveSimulator, type Simulator } from "@machine-controller/cloud-simulator";
import { providerDefinitions } from "../providers.generated.ts";
import { simulators } from "../simulators.generated.ts";
import type { StateFolder } from "./state-folder.ts";

export type SimulatedClouds = {
  /** Where to look at a cloud: its name, the URL of its API. */
  readonly endpoints: readonly { name: string; title: string; url: string }[];
  /** Variables that providers read their endpoints from. */
  readonly environment: Readonly<Record<string, string>>;
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

/** @param options.port of the first cloud; the others follow. 0: any free ones. */
export async function startSimulatedClouds(options: {
  state: StateFolder;
  host: string;
  port: number;
  connect?: Connect;
}): Promise<SimulatedClouds> {
  const running: { simulator: Simulator; served: Awaited<ReturnType<typeof serveSimulator>> }[] = [];
  const endpoints: { name: string; title: string; url: string }[] = [];
  const environment: Record<string, string> = {};
  const close = async (): Promise<void> => {
    for (const { simulator, served } of running) {
      await served.close();
      simulator.close();
    }
  };
  try {
    for (const [index, definition] of simulators.entries()) {
      const simulator = definition.create({
        database: options.state.database(definition.name),
        ...(options.connect && { connect: options.connect }),
      });
      const port = options.port === 0 ? 0 : options.port + index;
      const served = await serveSimulator(simulator, { host: options.host, port }).catch((error: unknown) => {
        simulator.close();
        throw error;
      });
      running.push({ simulator, served });
      const provider = providerDefinitions.get(definition.name);
      if (provider === undefined) continue;
      const url = served.url + new URL(provider.endpoint.url).pathname;
      endpoints.push({ name: definition.name, title: provider.title, url });
      environment[provider.endpoint.env] = url;
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    endpoints,
    environment,
    run: async (signal) => void (await Promise.all(running.map(({ simulator }) => simulator.run(signal)))),
    close,
  };
}
