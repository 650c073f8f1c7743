import assert from "node:assert/strict";
import { test } from "node:test";
import { ProviderError } from "@machine-controller/provider";
import type { Cloud, PlacementGroup } from "./cloud.ts";
import { createPlacementGroups } from "./placement-groups.ts";

const { signal } = new AbortController();
const OURS = { "managed-by": "machine-controller" };

/** Only the groups of a project; the answers come late, so that turns matter. */
function world(...existing: (Partial<PlacementGroup> & { name: string })[]) {
  const groups = existing.map((group, index) => ({ id: index + 1, labels: {}, servers: [], ...group }));
  let seed = 0;
  const deleted: number[] = [];
  let refusal: unknown;
  const later = () => new Promise((resolve) => setImmediate(resolve));
  const cloud = {
    async list() {
      await later();
      return structuredClone(groups);
    },
    async create(_: string, body: { name: string; labels: Record<string, string> }) {
      await later();
      const group = { id: groups.length + 1, servers: [], ...body };
      groups.push(group);
      return group;
    },
    async get(_: string, id: string) {
      return groups.find((group) => String(group.id) === id);
    },
    async delete(_: string, id: number) {
      if (refusal) throw refusal;
      deleted.push(id);
    },
  } as unknown as Cloud;
  const made = createPlacementGroups(cloud, { bytes: (length) => Uint8Array.from({ length }, () => seed++) });
  const reserve = (prefix: string, { except = [] as number[], by = signal } = {}) =>
    made.reserve(prefix, { labels: { team: "a" }, except: new Set(except), signal: by });
  const release = (id: string, goneServer?: string) => made.release(id, { goneServer, signal });
  const refuse = (code: string) => (refusal = new ProviderError("Unavailable", code, { cause: { code } }));
  return { groups, deleted, reserve, refuse, release };
}
const servers = (count: number) => Array.from({ length: count }, (_, index) => 100 + index);

test("a prefix takes only groups named by it and five characters", async () => {
  const others = ["prod-eu-bcdfg", "prod", "production-bcdfg", "prod-bcdfgh", "prod-BCDFG", "x-prod-bcdfg"];
  const { reserve } = world(...others.map((name) => ({ name })), { name: "prod-bcdfg" });
  assert.equal((await reserve("prod")).id, 7);
  assert.equal((await reserve("prod-eu")).id, 1);
});

test("parallel reservations fill a group to ten with the servers in it, and then the next", async () => {
  const { reserve, groups } = world({ name: "prod-bcdfg", servers: servers(8) });
  const ids = (await Promise.all(Array.from({ length: 13 }, () => reserve("prod")))).map(({ id }) => id);
  assert.deepEqual(
    ids.map((id) => ids.filter((other) => other === id).length),
    [2, 2, ...Array(10).fill(10), 1],
  );
  assert.match(groups[1]?.name ?? "", /^prod-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.deepEqual(groups[1]?.labels, { team: "a", ...OURS });
});

test("a reservation that is given back makes room again, once", async () => {
  const { reserve } = world({ name: "prod-bcdfg", servers: servers(9) });
  const held = await reserve("prod");
  assert.notEqual((await reserve("prod")).id, 1);
  held[Symbol.dispose]();
  assert.equal((await reserve("prod")).id, 1);
  assert.notEqual((await reserve("prod", { except: [1] })).id, 1);
});

test("a reservation that is given up does not keep the next one from its turn", async () => {
  const { reserve, groups } = world();
  const controller = new AbortController();
  const given = assert.rejects(reserve("prod", { by: controller.signal }), /stop/);
  const next = reserve("prod");
  controller.abort(new Error("stop"));
  await given;
  assert.equal((await next).id, 1);
  assert.equal(groups.length, 1);
});

test("only an empty, unreserved group of ours is deleted", async () => {
  const { release, reserve, deleted } = world(
    { name: "prod-bcdfg", labels: OURS, servers: [42] },
    { name: "prod-cdfgh", labels: OURS, servers: [42, 43] },
    { name: "prod-dfghj" },
    { name: "dev-bcdfg", labels: OURS },
  );
  using held = await reserve("dev");
  for (const id of ["1", "2", "3", String(held.id)]) assert.equal(await release(id, "42"), true);
  assert.deepEqual(deleted, [1]);
});

test("a group still in use is tried again, any other refusal is an error", async () => {
  const { release, refuse } = world({ name: "prod-bcdfg", labels: OURS });
  refuse("resource_in_use");
  assert.equal(await release("1"), false);
  refuse("unauthorized");
  await assert.rejects(release("1"));
});
