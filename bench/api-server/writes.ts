/** Writes a second: lives of Machines (create, three patches, delete), creates alone, and patches alone. */
import type { Load } from "./load.ts";
import { annotate, create, remove } from "./machines.ts";

export const WRITE_KINDS = ["lives", "creates", "patches"] as const;
export type WriteKind = (typeof WRITE_KINDS)[number];

/** What each of so many writers does over and over, as writes done. */
export function writerOf(load: Load, kind: WriteKind, run: string): (writer: number, turn: number) => Promise<number> {
  const target = (writer: number): string => `${run}-target-${writer}`;
  switch (kind) {
    case "lives":
      return async (writer, turn) => {
        const name = `${run}-life-${writer}-${turn}`;
        await load.send(writer, create(name));
        for (const step of ["intent", "record", "node"]) await load.send(writer, annotate(name, { [step]: name }));
        await load.send(writer, remove(name));
        return 5;
      };
    case "creates":
      return async (writer, turn) => {
        await load.send(writer, create(`${run}-create-${writer}-${turn}`));
        return 1;
      };
    case "patches":
      return async (writer, turn) => {
        if (turn === 0) await load.send(writer, create(target(writer)));
        await load.send(writer, annotate(target(writer), { turn: String(turn) }));
        return 1;
      };
  }
}

/** Writes a second over `ms`; `turns` counts on from call to call. */
export async function writesPerSecond(
  write: (writer: number, turn: number) => Promise<number>,
  options: { turns: number[]; ms: number },
): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  const run = async (_: number, writer: number): Promise<void> => {
    while (performance.now() - startedAt < options.ms) {
      const turn = options.turns[writer] ?? 0;
      options.turns[writer] = turn + 1;
      // Not `done += await …`: that would add to what `done` was before the wait.
      const writes = await write(writer, turn);
      done += writes;
    }
  };
  await Promise.all(options.turns.map(run));
  return (done * 1_000) / (performance.now() - startedAt);
}
