import type { PointId } from "../crash-points/await-points.ts";
import type { Violation } from "../world/run-world.ts";

/** What came of leading one life on one cloud again and again. */
export type ModelResult = {
  readonly worlds: number;
  readonly failures: readonly { what: string; violation: Violation }[];
  /** Await points at which the process died. */
  readonly crashedAt: ReadonlySet<PointId>;
};
