/** What a process has taken of the machine, as Linux counts it. */
import { readFileSync } from "node:fs";

export type ProcessUsage = { cpuSeconds: number; rssMiB: number; peakRssMiB: number };

/** USER_HZ, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** @throws where the process is gone, or this is not Linux. */
export function usageOf(pid: number): ProcessUsage {
  const fields = statOf(pid);
  if (fields === undefined) throw new Error(`process ${pid} is gone`);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mebibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? Number.NaN) / 1024;
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rssMiB: mebibytes("VmRSS"),
    peakRssMiB: mebibytes("VmHWM"),
  };
}

/** From its state on, the third field of `proc_pid_stat(5)`; undefined where the process is gone. */
export function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The field before is the program's name in parentheses and may hold blanks.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
