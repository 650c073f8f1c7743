/**
 * The embedded API server beside etcd + kube-apiserver, both over TLS, both durable, under one load. They take turns in
 * rounds of a second, so that whatever else the machine does meets both alike; the load comes from this process.
 */
import { startEmbeddedProcess } from "../../test/clients/embedded-process.ts";
import { startRealControlPlane } from "../../test/peers/real-control-plane.ts";
import { type Bench, type Figure, held, percentile } from "../bench.ts";
import { flushesPerSecond } from "./disk.ts";
import { measureFanOut } from "./fan-out.ts";
import { type Load, openLoad } from "./load.ts";
import { create, installMachines, MACHINES } from "./machines.ts";
import { usageOf } from "../process-usage.ts";
import { WRITE_KINDS, type WriteKind, writerOf, writesPerSecond } from "./writes.ts";

const WRITERS = [1, 8, 32];
const ROUNDS = 5;
const ROUND_MS = 1_000;
const LISTED = 10_000;
const WATCHERS = 20;

type Body = { name: string; load: Load; stop: () => Promise<unknown> };

export const apiServer: Bench = {
  name: "api-server",
  about: "writes, a list of 10,000, watch fan-out and memory of the embedded API server, as ratios of kube-apiserver's",
  async run({ progress, signal }) {
    const embedded = await startEmbeddedProcess();
    const peer = await startRealControlPlane({ signal });
    const bodies: Body[] = [{ name: "embedded", ...open(embedded) }];
    if (!("skipped" in peer)) bodies.push({ name: "real", ...open(peer) });
    const figures: Figure[] = "skipped" in peer ? [{ what: "no peer to compare with", measured: peer.skipped }] : [];
    try {
      for (const { load } of bodies) await installMachines(load);
      for (const kind of WRITE_KINDS) {
        const flushes = flushesPerSecond(ROUND_MS);
        figures.push({ what: `the disk alone, before ${kind}, flushes/s`, measured: flushes.toFixed(0) });
        for (const writers of WRITERS) {
          progress(`${kind}, ${writers} writers`);
          figures.push(compare(`${kind}, ${writers} writers, writes/s`, await takeTurns(bodies, kind, writers)));
        }
      }
      progress(`list of ${LISTED}`);
      figures.push(compare(`list of ${LISTED}, lists/s`, await Promise.all(bodies.map(measureList))));
      progress(`events to ${WATCHERS} watchers`);
      const delivered: number[] = [];
      for (const { load } of bodies) delivered.push(await measureFanOut(load, WATCHERS));
      figures.push(compare(`events to ${WATCHERS} watchers, deliveries/s`, delivered));
    } finally {
      for (const { load, stop } of bodies) await load.close().then(stop);
    }
    return [...figures, ...(await measureMemory())];
  },
};

function open({ kubeconfigPath, stop }: { kubeconfigPath: string; stop: () => Promise<unknown> }) {
  return { load: openLoad({ kubeconfigPath, connections: Math.max(...WRITERS) }), stop };
}

function compare(what: string, [ours = 0, theirs]: readonly number[]): Figure {
  if (theirs === undefined) return { what, measured: ours.toFixed(1) };
  const ratio = held(what, ours / theirs, { unit: "×", digits: 2, atLeast: what.includes("writes") ? 3 : 1 });
  return { ...ratio, measured: `${ours.toFixed(1)} : ${theirs.toFixed(1)} = ${ratio.measured}` };
}

/** The median rate of each body. */
async function takeTurns(bodies: readonly Body[], kind: WriteKind, writers: number): Promise<number[]> {
  const rates = bodies.map((): number[] => []);
  const turns = bodies.map(() => Array.from({ length: writers }, () => 0));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, { load }] of bodies.entries()) {
      const write = writerOf(load, kind, `${kind}-${writers}`);
      const rate = await writesPerSecond(write, { turns: turns[index] ?? [], ms: ROUND_MS });
      // The first round warms up.
      if (round > 0) rates[index]?.push(rate);
    }
  }
  return rates.map((values) => percentile(values, 0.5));
}

/** Lists a second, of a collection that creates have filled up to the count. */
async function measureList({ load }: Body): Promise<number> {
  await fill(load, LISTED);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    await load.send(0, { path: `${MACHINES}?limit=${LISTED}` });
    times.push(performance.now() - startedAt);
  }
  return 1_000 / percentile(times, 0.5);
}

async function fill(load: Load, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `fill-${index}`).values();
  const writers = Array.from({ length: Math.max(...WRITERS) }, async (_, writer) => {
    for (const name of names) await load.send(writer, create(name));
  });
  await Promise.all(writers);
}

/** Of a process of its own, with nothing but the Machines. */
async function measureMemory(): Promise<Figure[]> {
  const embedded = await startEmbeddedProcess();
  const { load } = open(embedded);
  try {
    await installMachines(load);
    const empty = usageOf(embedded.pid).rssMiB;
    await fill(load, LISTED);
    const filled = usageOf(embedded.pid).rssMiB;
    await load.send(0, { path: MACHINES });
    const { rssMiB, peakRssMiB } = usageOf(embedded.pid);
    // 150 MB.
    const form = { unit: "MiB", atMost: 143 };
    return [
      { what: "memory, empty", measured: `${empty.toFixed(0)} MiB` },
      held(`memory, ${LISTED} Machines written`, filled, form),
      held(`memory, ${LISTED} Machines listed at once`, rssMiB, form),
      { what: "memory, at its peak", measured: `${peakRssMiB.toFixed(0)} MiB` },
    ];
  } finally {
    await load.close();
    await embedded.stop();
  }
}
