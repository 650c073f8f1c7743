/**
 * CPU and heap profiles of the running process, where Go's pprof has them: `/debug/pprof/profile?seconds=30` answers a
 * `.cpuprofile`, `/debug/pprof/heap?seconds=30` a sampling `.heapprofile`, both for Chrome's DevTools or speedscope.
 */
import { Session } from "node:inspector/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { StatusPage } from "./serve-status.ts";

const PREFIX = "/debug/pprof";
const LONGEST_SECONDS = 120;

const INDEX = `profile?seconds=N  CPU profile (.cpuprofile) of the next N seconds, 10 by default
heap?seconds=N     allocations (.heapprofile) of the next N seconds, 10 by default
Open them in Chrome's DevTools (Performance or Memory) or at speedscope.app.
`;

export function createProfilingPage(): StatusPage {
  let busy = false;
  return async (url) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    if (pathname === PREFIX || pathname === `${PREFIX}/`) return { status: 200, text: INDEX };
    const take = { [`${PREFIX}/profile`]: takeCpuProfile, [`${PREFIX}/heap`]: takeHeapProfile }[pathname];
    if (take === undefined) return undefined;
    const seconds = Number(searchParams.get("seconds") ?? 10);
    if (!(seconds > 0 && seconds <= LONGEST_SECONDS)) {
      return { status: 400, text: `seconds must be more than 0 and at most ${LONGEST_SECONDS}\n` };
    }
    if (busy) return { status: 409, text: "another profile is being taken; try again later\n" };
    busy = true;
    try {
      return { status: 200, text: JSON.stringify(await take(seconds * 1_000)), type: "application/json" };
    } finally {
      busy = false;
    }
  };
}

async function takeCpuProfile(ms: number): Promise<unknown> {
  using session = openSession();
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  await sleep(ms);
  return (await session.post("Profiler.stop")).profile;
}

async function takeHeapProfile(ms: number): Promise<unknown> {
  using session = openSession();
  await session.post("HeapProfiler.startSampling");
  await sleep(ms);
  return (await session.post("HeapProfiler.stopSampling")).profile;
}

function openSession(): Session & Disposable {
  const session = new Session();
  session.connect();
  return Object.assign(session, { [Symbol.dispose]: () => session.disconnect() });
}
