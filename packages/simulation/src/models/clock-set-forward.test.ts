import assert from "node:assert/strict";
import { before, test } from "node:test";
import { serializeCrypto } from "../world/clock.ts";
import { NAMESPACE } from "../world/cluster.ts";
import { createRandom } from "../world/random.ts";
import { runWorld } from "../world/run-world.ts";
import { scenarioOf } from "./lives/life.ts";
import { lifeNamed } from "./lives/registry.ts";

before(serializeCrypto);

test("a clock set forward makes no request seem settled that is still under way", async () => {
  const { violation, moments } = await runWorld(scenarioOf(lifeNamed("create"), "plain-tag"), {
    plan: new Map([["controller-a → plain-tag POST instances #1", "request late"]]),
    script(world) {
      world.scheduler.after(1_500, () => {
        world.controllers.turnClock(createRandom("any"), 600_000);
        const path = `/apis/cluster.k8s.io/v1alpha1/namespaces/${NAMESPACE}/machines/lone`;
        void world.cluster.request("PATCH", path, { metadata: { annotations: { note: "looked at now" } } });
      });
    },
  });
  assert.equal(violation, undefined);
  assert.equal(moments.filter(({ what }) => what.startsWith("makes VM")).length, 1);
});
