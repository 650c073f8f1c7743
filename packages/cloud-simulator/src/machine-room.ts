/** The hosts of a simulated cloud: machines that are switched on run, also after the simulator was killed and reopened. */
import type { Clock } from "./clock.ts";
import type { DiskFiles } from "./disk.ts";
import type { Connect } from "./handler.ts";
import { runMachine, type MachineTiming } from "./machine.ts";
import type { MachineAddress, MachineSpec } from "./machine-spec.ts";
import type { Random } from "./random.ts";
import type { Records } from "./records.ts";

export type MachineView = { spec: MachineSpec; isOn: boolean; console: readonly string[] };

export type MachineRoom = {
  /** A new machine, which takes power at `onSince`, as if by `powerOn`. Inside a transaction of the records it is part of it. */
  add(spec: MachineSpec, options?: { onSince?: number }): void;
  /** Takes power at `at` (milliseconds since the epoch), by default at once. No effect on a machine that is on. */
  powerOn(id: string, at?: number): void;
  powerOff(id: string): void;
  /** The machine and its disk are gone. No effect on an unknown one. */
  remove(id: string): void;
  setAddresses(id: string, addresses: readonly MachineAddress[]): void;
  get(id: string): MachineView | undefined;
  list(): MachineView[];
  /** Lets machines run until the signal is aborted; then they stop without losing power. */
  run(signal: AbortSignal): Promise<void>;
};

export type MachineRoomOptions = {
  records: Records;
  clock: Clock;
  random: Random;
  connect: Connect;
  timing: MachineTiming;
  console?: (machine: MachineSpec, line: string) => void;
};

type MachineRecord = { spec: MachineSpec; files: DiskFiles; onSince?: number; console: string[] };
type Power = { cut: AbortController; done: Promise<void> };

const MAX_CONSOLE_LINES = 500;

export function createMachineRoom(options: MachineRoomOptions): MachineRoom {
  const { records, clock } = options;
  const machines = records.collection<MachineRecord>("machine");
  const powered = new Map<string, Power>();
  let floor: AbortSignal | undefined;

  const update = (id: string, change: (record: MachineRecord) => MachineRecord): void => {
    const record = machines.get(id);
    if (record !== undefined) machines.put(id, change(record));
  };

  const log = (id: string, line: string): void => {
    const record = machines.get(id);
    if (record === undefined) return;
    record.console.push(`${new Date(clock.now()).toISOString()} ${line}`);
    if (record.console.length > MAX_CONSOLE_LINES) record.console.shift();
    options.console?.(record.spec, line);
  };

  const supply = (id: string, onSince: number): void => {
    if (floor === undefined || floor.aborted) return;
    const cut = new AbortController();
    powered.set(id, { cut, done: live(id, { onSince, signal: cut.signal }) });
  };

  const live = async (id: string, { onSince, signal }: { onSince: number; signal: AbortSignal }): Promise<void> => {
    try {
      await clock.sleep(Math.max(0, onSince - clock.now()), { signal });
      const record = machines.get(id);
      if (record === undefined) return;
      const { spec } = record;
      await runMachine(
        {
          ...options,
          files: record.files,
          spec: () => machines.get(id)?.spec ?? spec,
          log: (line) => log(id, line),
          save: () => update(id, (current) => ({ ...current, files: record.files })),
        },
        signal,
      );
    } catch (error) {
      if (!signal.aborted) log(id, `machine check: ${String(error)}`);
    }
  };

  const cutPower = async (id: string): Promise<void> => {
    const power = powered.get(id);
    powered.delete(id);
    power?.cut.abort();
    await power?.done;
  };

  const view = ({ spec, onSince, console }: MachineRecord): MachineView => ({
    spec,
    isOn: onSince !== undefined && onSince <= clock.now(),
    console,
  });

  return {
    add(spec, { onSince } = {}) {
      machines.put(spec.id, { spec, files: {}, console: [], ...(onSince !== undefined && { onSince }) });
      if (onSince !== undefined) supply(spec.id, onSince);
    },
    powerOn(id, at = clock.now()) {
      if (machines.get(id)?.onSince !== undefined) return;
      update(id, (record) => ({ ...record, onSince: at }));
      supply(id, at);
    },
    powerOff(id) {
      update(id, ({ spec, files, console }) => ({ spec, files, console }));
      void cutPower(id);
    },
    remove(id) {
      void cutPower(id);
      machines.delete(id);
    },
    setAddresses: (id, addresses) => update(id, (record) => ({ ...record, spec: { ...record.spec, addresses } })),
    get(id) {
      const record = machines.get(id);
      return record && view(record);
    },
    list: () => [...machines.values()].map(view),
    async run(signal) {
      floor = signal;
      for (const { spec, onSince } of machines.values()) if (onSince !== undefined) supply(spec.id, onSince);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
      await Promise.all([...powered.keys()].map(cutPower));
    },
  };
}
