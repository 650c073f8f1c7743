import {
  ANNOTATION_REVISION,
  ANNOTATION_REVISION_HISTORY,
  ANNOTATION_ROLLBACK_TO,
} from "@machine-controller/api/well-known";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineDeployments } from "../resources.ts";
import { createFleet, type Fleet, isRolledOut, template } from "./fleet.fixture.ts";

/** Three revisions, 1.36.1 to 1.36.3, the last one current. */
async function threeRevisions(): Promise<Fleet> {
  const fleet = await createFleet();
  for (const kubelet of ["1.36.1", "1.36.2", "1.36.3"]) {
    fleet.put({ replicas: 1, revisionHistoryLimit: 5, template: template(kubelet) });
    await fleet.until(isRolledOut(fleet, kubelet, 1));
  }
  return fleet;
}
const ask = (fleet: Fleet, revision: string): void =>
  fleet.put({}, { annotations: { [ANNOTATION_ROLLBACK_TO]: revision } });
const annotation = (fleet: Fleet, kubelet: string, key: string): string | undefined =>
  fleet.setOf(kubelet)?.metadata.annotations?.[key];

for (const [asked, kubelet] of [
  ["1", "1.36.1"],
  ["2", "1.36.2"],
  ["0", "1.36.2"],
] as const) {
  test(`revision ${asked} is gone back to, and its MachineSet taken up again as the newest`, async () => {
    const fleet = await threeRevisions();
    const uid = fleet.setOf(kubelet)?.metadata.uid;
    ask(fleet, asked);
    await fleet.until(isRolledOut(fleet, kubelet, 1));
    assert.equal(fleet.sets().length, 3);
    assert.equal(fleet.setOf(kubelet)?.metadata.uid, uid);
    assert.equal(annotation(fleet, kubelet, ANNOTATION_REVISION), "4");
    assert.equal(annotation(fleet, kubelet, ANNOTATION_REVISION_HISTORY), asked === "1" ? "1" : "2");
    assert.equal(fleet.deployment().metadata.annotations?.[ANNOTATION_REVISION], "4");
    assert.equal(fleet.deployment().metadata.annotations?.[ANNOTATION_ROLLBACK_TO], undefined);
    assert.ok(fleet.world.events.some(({ reason }) => reason === "RollbackDone"));
  });
}

test("a revision that a MachineSet has outgrown still names it", async () => {
  const fleet = await threeRevisions();
  ask(fleet, "1");
  await fleet.until(isRolledOut(fleet, "1.36.1", 1));
  ask(fleet, "3");
  await fleet.until(isRolledOut(fleet, "1.36.3", 1));
  ask(fleet, "1");
  await fleet.until(isRolledOut(fleet, "1.36.1", 1));
});

test("a revision that does not exist, or is the current one, changes nothing and is told", async () => {
  const fleet = await threeRevisions();
  for (const [asked, reason, message] of [
    ["7", "RollbackRevisionNotFound", /there are 1, 2, 3$/],
    ["last", "RollbackRevisionNotFound", /"last"/],
    ["3", "RollbackTemplateUnchanged", /already/],
  ] as const) {
    const before = fleet.world.events.length;
    ask(fleet, asked);
    await fleet.pass(5_000);
    const [event] = fleet.world.events.slice(before);
    assert.equal(event?.reason, reason);
    assert.match(event.message, message);
    assert.equal(fleet.deployment().metadata.annotations?.[ANNOTATION_ROLLBACK_TO], undefined);
  }
  assert.ok(isRolledOut(fleet, "1.36.3", 1)());
});

test("the history of a MachineSet grows with its revisions alone, and no longer than 20", async () => {
  const fleet = await createFleet();
  fleet.put({ replicas: 0 });
  for (let turn = 0; turn < 24; turn += 1) {
    const kubelet = turn % 2 === 0 ? "1.36.1" : "1.36.2";
    fleet.put({ template: template(kubelet) }, { annotations: { note: String(turn) } });
    await fleet.until(() => annotation(fleet, kubelet, ANNOTATION_REVISION) === String(turn + 1));
    fleet.put({}, { annotations: { note: `${turn} edited` } });
    await fleet.until(() => annotation(fleet, kubelet, "note") === `${turn} edited`);
  }
  const history = annotation(fleet, "1.36.2", ANNOTATION_REVISION_HISTORY)?.split(",") ?? [];
  assert.deepEqual(
    history,
    Array.from({ length: 11 }, (_, at) => String(2 * at + 2)),
  );
  for (let turn = 0; turn < 24; turn += 1) {
    fleet.put({ template: template(turn % 2 === 0 ? "1.36.1" : "1.36.2") });
    await fleet.pass(2_000);
  }
  assert.equal(annotation(fleet, "1.36.2", ANNOTATION_REVISION_HISTORY)?.split(",").length, 20);
});

test("an annotation that the deployment loses goes from its MachineSet; one that somebody put there stays", async () => {
  const fleet = await createFleet();
  fleet.put({}, { annotations: { copied: "1" } });
  await fleet.until(isRolledOut(fleet, "1.36.1"));
  const name = fleet.setOf("1.36.1")?.metadata.name;
  fleet.world.cluster.put(
    { ...machineDeployments, plural: "machinesets" },
    { metadata: { name, annotations: { own: "1" } } },
  );
  fleet.put({}, { annotations: { copied: null, other: "2" } });
  await fleet.pass(5_000);
  assert.deepEqual(
    ["copied", "own", "other"].map((key) => annotation(fleet, "1.36.1", key)),
    [undefined, "1", "2"],
  );
});
