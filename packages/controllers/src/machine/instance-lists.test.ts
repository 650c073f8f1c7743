import type { Machine } from "@machine-controller/api";
import { type Instance, type Provider, ProviderError } from "@machine-controller/provider";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createInstanceLists, type InstanceList } from "./instance-lists.ts";

const { signal } = new AbortController();
const machine = {} as Machine;

function setUp() {
  let nowMs = 1_000;
  const open: PromiseWithResolvers<readonly Instance[]>[] = [];
  const cloud = { account: "a" };
  const provider = {
    account: async () => cloud.account,
    list() {
      const answer = Promise.withResolvers<readonly Instance[]>();
      open.push(answer);
      return answer.promise;
    },
  } as unknown as Provider;
  const lists = createInstanceLists({ clock: { now: () => nowMs }, signal });
  return {
    lists,
    open,
    cloud,
    pass: (ms: number) => void (nowMs += ms),
    read: (startedAfterMs: number, own = signal) => lists.read("a", { provider, machine, startedAfterMs, signal: own }),
  };
}
const instance = (id: string, machineUid?: string): Instance => ({
  id,
  name: id,
  machineUid,
  addresses: [],
  status: "running",
});

test("callers at the same time share one read, and later ones its answer while it is fresh enough", async () => {
  const { lists, open, read, pass } = setUp();
  const reads = [read(0), read(0), read(999)];
  assert.equal(open.length, 1);
  open[0]?.resolve([instance("1", "u"), instance("2", "u"), instance("3")]);
  for (const list of await Promise.all(reads)) assert.equal(list.startedAtMs, 1_000);
  pass(10);
  const list = await read(999);
  assert.equal(open.length, 1);
  assert.deepEqual(
    list.byMachineUid.get("u")?.map(({ id }) => id),
    ["1", "2"],
  );
  assert.deepEqual([...list.ids], ["1", "2", "3"]);
  assert.equal(lists.latest("a"), list);
  void read(1_000);
  assert.equal(open.length, 2);
});

test("of a list all are told that listen, once", async () => {
  const { lists, open, read } = setUp();
  const told: InstanceList[] = [];
  lists.onList((list) => told.push(list));
  const reads = [read(0), read(0)];
  open[0]?.resolve([instance("1", "u")]);
  const [list] = await Promise.all(reads);
  assert.deepEqual(told, [list]);
});

test("who needs a read that began later than the running one waits for the next, whatever comes of the first", async () => {
  const { open, read, pass } = setUp();
  const early = read(0);
  pass(10);
  const late = read(1_005);
  assert.equal(open.length, 1);
  open[0]?.reject(new ProviderError("Unavailable", "no"));
  await assert.rejects(early);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(open.length, 2);
  open[1]?.resolve([]);
  assert.equal((await late).startedAtMs, 1_010);
});

test("a list read while the credential changed is no list of the account", async () => {
  const { lists, open, read, cloud } = setUp();
  const reading = read(0);
  cloud.account = "b";
  open[0]?.resolve([]);
  await assert.rejects(reading, /credential changed/);
  assert.equal(lists.latest("a"), undefined);
});

test("a caller that aborts leaves; the read goes on for the others", async () => {
  const { open, read } = setUp();
  const own = new AbortController();
  const [mine, others] = [read(0, own.signal), read(0)];
  own.abort(new Error("mine alone"));
  await assert.rejects(mine, /mine alone/);
  open[0]?.resolve([]);
  assert.equal((await others).ids.size, 0);
});
