/** What a process has taken of the machine, as Linux counts it. */
import { readFileSync } from "node:fs";

export type ProcessUsage = { cpuSeconds: number; rssMiB: number; peakRssMiB: number };

/** USER_HZ, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** @throws where the process is gone, or this is not Linux. */
export function usageOf(pid: number): ProcessUsage {
  // The second field is the program's name in parentheses and may hold blanks.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mebibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? Number.NaN) / 1024;
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rssMiB: mebibytes("VmRSS"),
    peakRssMiB: mebibytes("VmHWM"),
  };
}
