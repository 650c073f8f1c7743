import assert from "node:assert/strict";
import { test } from "node:test";
import { readAwaitPoints } from "../crash-points/await-points.ts";
import { coverageOf } from "../crash-points/coverage.ts";
import { LIVES } from "./lives/registry.ts";
import { type Led, runModels } from "./run-models.ts";

test("the process dies at every await of controllers and providers that touches the outside, and every promise is kept", async () => {
  const led: Led[] = [];
  const crashedAt = await runModels({ lives: LIVES, mode: "crash", quick: true, onLed: (one) => led.push(one) });
  assert.deepEqual(
    led.flatMap(({ life, cloud, failures }) =>
      failures.map(({ what, violation }) => `${life} on ${cloud}, ${what}: ${violation.what}`),
    ),
    [],
  );
  const { missed, covered } = coverageOf(readAwaitPoints(), crashedAt);
  assert.deepEqual(
    missed.map(({ id, text }) => `${id} ${text}`),
    [],
  );
  assert.ok(covered.length > 120, `${covered.length} awaits`);
});
