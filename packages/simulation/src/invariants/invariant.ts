/** A promise, and how a world is held to it. */
import type { World } from "../world/world.ts";

export type Invariant = {
  readonly name: string;
  /** The promise as a sentence, for reports and docs. */
  readonly promise: string;
  /** `always`: after every event that changed something. `at rest`: once nothing happens any more. */
  readonly when: "always" | "at rest";
  /**
   * Begins to watch a world.
   * @returns a check: what is broken, in a sentence; undefined while the promise holds.
   */
  watch(world: World): () => string | undefined;
};
