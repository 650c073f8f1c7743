/** How many events a second reach watchers while one object is patched as fast as it goes. */
import type { Load } from "./load.ts";
import { annotate, create, MACHINES } from "./machines.ts";

const MEASURED_MS = 4_000;
const WRITERS = 8;
const EVENT_END = 10;

export async function measureFanOut(load: Load, watchers: number): Promise<number> {
  const leave = new AbortController();
  const count = { events: 0, writes: 0 };
  const onChunk = (chunk: Buffer): void => {
    for (let at = chunk.indexOf(EVENT_END); at >= 0; at = chunk.indexOf(EVENT_END, at + 1)) count.events += 1;
  };
  const name = (writer: number): string => `fan-out-${writer}`;
  for (let writer = 0; writer < WRITERS; writer++) await load.send(writer, create(name(writer)));
  const { metadata } = JSON.parse(await load.send(0, { path: `${MACHINES}?limit=1` })) as {
    metadata: { resourceVersion: string };
  };
  const path = `${MACHINES}?watch=true&resourceVersion=${metadata.resourceVersion}`;
  await Promise.all(Array.from({ length: watchers }, () => load.stream(path, { signal: leave.signal, onChunk })));
  const startedAt = performance.now();
  const patch = async (_: unknown, writer: number): Promise<void> => {
    while (performance.now() - startedAt < MEASURED_MS) {
      await load.send(writer, annotate(name(writer), { turn: String(count.writes++) }));
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, patch));
  while (count.events < count.writes * watchers) await new Promise((resolve) => setTimeout(resolve, 5));
  leave.abort();
  return (count.events * 1_000) / (performance.now() - startedAt);
}
