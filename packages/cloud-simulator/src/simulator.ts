/** Makes a simulator out of what only its vendor's document can say: routes, states and error format. */
import { systemClock, type Clock } from "./clock.ts";
import { connectOverNetwork } from "./connect-over-network.ts";
import { injectFaults, type FaultRule, type Faults, type FaultStatus } from "./faults.ts";
import type { Connect, Handler } from "./handler.ts";
import { createMachineRoom, type MachineRoom, type MachineView } from "./machine-room.ts";
import type { MachineTiming } from "./machine.ts";
import type { MachineSpec } from "./machine-spec.ts";
import { systemRandom, type Random } from "./random.ts";
import { openRecords, type Records } from "./records.ts";

export type SimulatorOptions = {
  /** A file, or `:memory:`. What was acknowledged is there again when the same file is opened. */
  database: string;
  /** Default: the system's. */
  clock?: Clock;
  /** Default: the system's. */
  random?: Random;
  /** How machines reach API servers. Default: TLS over the network. */
  connect?: Connect;
  faults?: readonly FaultRule[];
  /** Default: 600 ms to boot, 300 ms from registration to Ready. */
  timing?: Partial<MachineTiming>;
  /** Hears each line that a machine writes on its console. */
  console?: (machine: MachineSpec, line: string) => void;
};

export type RequestLogEntry = {
  at: string;
  method: string;
  path: string;
  /** 0: the connection broke. */ status: number;
};

export type Simulator = {
  readonly name: string;
  /** Hosts that clients would reach in production, e.g. `https://api.hetzner.cloud`. */
  readonly origins: readonly string[];
  /** The API of the cloud. Throws `ConnectionError` where a real client would see a broken connection. */
  handle: Handler;
  readonly faults: Faults;
  /** The last requests, the newest at the end. */
  requests(): readonly RequestLogEntry[];
  /** Machines that exist, with what is on their consoles. */
  machines(): MachineView[];
  /** Lets machines run until the signal is aborted. The API works without it. */
  run(signal: AbortSignal): Promise<void>;
  close(): void;
};

/** What the vendor's part works with. */
export type SimulatorContext = { records: Records; clock: Clock; random: Random; machines: MachineRoom };

export type SimulatedCloud = {
  handle: Handler;
  /** An error answer in the vendor's format. */
  respond: (fault: FaultStatus) => Response;
};

export type SimulatorDefinition<Options> = {
  readonly name: string;
  readonly origins: readonly string[];
  create: (options: SimulatorOptions & Options) => Simulator;
};

const DEFAULT_TIMING: MachineTiming = { bootMs: 600, readyMs: 300 };
const MAX_LOG_ENTRIES = 10_000;

export function defineSimulator<Options = unknown>(definition: {
  name: string;
  origins: readonly string[];
  create(context: SimulatorContext, options: SimulatorOptions & Options): SimulatedCloud;
}): SimulatorDefinition<Options> {
  const { name, origins } = definition;
  return {
    name,
    origins,
    create(options) {
      const clock = options.clock ?? systemClock;
      const random = options.random ?? systemRandom;
      const records = openRecords(options.database);
      const machines = createMachineRoom({
        records,
        clock,
        random,
        connect: options.connect ?? connectOverNetwork(),
        timing: { ...DEFAULT_TIMING, ...options.timing },
        ...(options.console !== undefined && { console: options.console }),
      });
      const cloud = definition.create({ records, clock, random, machines }, options);
      const { handle, faults } = injectFaults(cloud.handle, {
        faults: options.faults ?? [],
        clock,
        random,
        respond: cloud.respond,
      });
      const log: RequestLogEntry[] = [];
      return {
        name,
        origins,
        handle: logged(handle, (entry) => {
          log.push({ at: new Date(clock.now()).toISOString(), ...entry });
          if (log.length > MAX_LOG_ENTRIES) log.shift();
        }),
        faults,
        requests: () => log,
        machines: () => machines.list(),
        run: (signal) => machines.run(signal),
        close: () => records.close(),
      };
    },
  };
}

function logged(handle: Handler, log: (entry: Omit<RequestLogEntry, "at">) => void): Handler {
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const asked = { method: request.method, path: pathname + search };
    try {
      const response = await handle(request);
      log({ ...asked, status: response.status });
      return response;
    } catch (error) {
      log({ ...asked, status: 0 });
      throw error;
    }
  };
}
