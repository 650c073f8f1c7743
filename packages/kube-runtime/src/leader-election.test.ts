import { type KubeClient, type Lease, isKubeError } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualClock } from "./clock.ts";
import { LeaderElectionError, runLeaderElection } from "./leader-election.ts";
import { type FakeApi, createFakeApi } from "./testing/fake-api.ts";

const PATH = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/controller";
const LEASE = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: {} };

type Candidate = { abort: AbortController; ended: Promise<unknown>; log: string[]; leaders: string[] };

const clock = (): ReturnType<typeof createManualClock> => createManualClock(Date.UTC(2030, 0, 1));

function stand(
  api: FakeApi,
  clock: ReturnType<typeof createManualClock>,
  {
    identity = "me",
    drainMs = 0,
    client = api.client,
  }: { identity?: string; drainMs?: number; client?: KubeClient } = {},
): Candidate {
  const abort = new AbortController();
  const log: string[] = [];
  const leaders: string[] = [];
  const { signal: never } = new AbortController();
  const ended = runLeaderElection({
    client,
    namespace: "kube-system",
    name: "controller",
    identity,
    clock,
    random: () => 0,
    signal: abort.signal,
    onNewLeader: (identity) => leaders.push(identity),
    async lead(signal) {
      log.push("leads");
      await clock.sleep(1e9, { signal }).catch(() => undefined);
      if (drainMs > 0) await clock.sleep(drainMs, { signal: never });
      log.push("drained");
    },
  }).then(
    () => log.push("ended"),
    (error: unknown) => {
      log.push("failed");
      return error;
    },
  );
  return { abort, ended, log, leaders };
}

function spec(api: FakeApi): NonNullable<Lease["spec"]> {
  const lease: Lease | undefined = api.get(PATH);
  return lease?.spec ?? {};
}

test("the first takes the lease, renews it, and releases it on shutdown only when its work has drained", async () => {
  const time = clock();
  const api = createFakeApi(time);
  const { abort, ended, log, leaders } = stand(api, time, { drainMs: 20_000 });
  await time.advance(5_000);
  assert.deepEqual(spec(api), {
    holderIdentity: "me",
    leaseDurationSeconds: 15,
    acquireTime: "2030-01-01T00:00:00.000000Z",
    renewTime: "2030-01-01T00:00:04.000000Z",
    leaseTransitions: 0,
  });
  abort.abort(new Error("shutdown"));
  await time.advance(19_000);
  assert.equal(spec(api).holderIdentity, "me");
  assert.equal(spec(api).renewTime, "2030-01-01T00:00:24.000000Z", "it renews while it drains");
  await time.advance(2_000);
  await ended;
  assert.deepEqual(log, ["leads", "drained", "ended"]);
  assert.deepEqual(leaders, ["me"]);
  assert.equal(spec(api).holderIdentity, "");
  assert.equal(spec(api).leaseDurationSeconds, 1);
});

test("two never lead at once, and the second leads soon after the first has released", async () => {
  const time = clock();
  const api = createFakeApi(time);
  const first = stand(api, time, { identity: "first" });
  await time.advance(10);
  const second = stand(api, time, { identity: "second" });
  await time.advance(60_000);
  assert.deepEqual([first.log, second.log], [["leads"], []]);
  first.abort.abort(new Error("shutdown"));
  await time.advance(2_500);
  assert.deepEqual([first.log, second.log], [["leads", "drained", "ended"], ["leads"]]);
  assert.equal(spec(api).leaseTransitions, 1);
  assert.deepEqual(second.leaders, ["first", "second"]);
  second.abort.abort(new Error("shutdown"));
  await Promise.all([first.ended, second.ended, time.advance(5_000)]);
});

test("a holder that vanished is waited for from when it was last seen, whatever its clock said", async () => {
  for (const renewTime of ["1999-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"]) {
    const time = clock();
    const api = createFakeApi(time);
    api.put(PATH, {
      ...LEASE,
      spec: { holderIdentity: "gone", leaseDurationSeconds: 15, renewTime, leaseTransitions: 4 },
    });
    const { abort, ended, log } = stand(api, time);
    await time.advance(14_900);
    assert.deepEqual(log, []);
    await time.advance(2_100);
    assert.deepEqual(log, ["leads"]);
    assert.equal(spec(api).leaseTransitions, 5);
    abort.abort(new Error("shutdown"));
    await Promise.all([ended, time.advance(5_000)]);
  }
});

test("a leader cut off stops before anyone else may start, and says so", async () => {
  const time = clock();
  const api = createFakeApi(time);
  let isCut = false;
  const client = api.connect(() => (isCut ? new Error("cut off") : undefined));
  const first = stand(api, time, { identity: "first", client });
  await time.advance(1_000);
  const second = stand(api, time, { identity: "second" });
  await time.advance(2_000);
  isCut = true;
  for (let seconds = 0; seconds < 20; seconds += 1) {
    await time.advance(1_000);
    assert.ok(first.log.includes("drained") || !second.log.includes("leads"), "both lead");
  }
  assert.deepEqual(first.log, ["leads", "drained", "failed"]);
  const error = await first.ended;
  assert.ok(error instanceof LeaderElectionError && error.code === "LeadershipLost");
  assert.ok(isKubeError(error.cause, "Unreachable"));
  assert.deepEqual(second.log, ["leads"]);
  second.abort.abort(new Error("shutdown"));
  await Promise.all([second.ended, time.advance(5_000)]);
});

test("a server that no longer answers costs leadership after the renew deadline", async () => {
  const time = clock();
  const api = createFakeApi(time);
  const { ended, log } = stand(api, time);
  await time.advance(4_000);
  api.intercept = () => new Promise(() => {});
  await time.advance(9_900);
  assert.deepEqual(log, ["leads"]);
  await time.advance(100);
  assert.deepEqual(log, ["leads", "drained"]);
  await Promise.all([ended, time.advance(5_000)]);
  assert.deepEqual(log, ["leads", "drained", "failed"]);
});

test("a lease taken by someone else is lost at the next renewal and left alone", async () => {
  const time = clock();
  const api = createFakeApi(time);
  const { ended, log } = stand(api, time);
  await time.advance(1_000);
  api.put(PATH, { ...LEASE, spec: { holderIdentity: "usurper", leaseDurationSeconds: 15 } });
  await time.advance(4_500);
  assert.ok((await ended) instanceof LeaderElectionError);
  assert.deepEqual(log, ["leads", "drained", "failed"]);
  assert.equal(spec(api).holderIdentity, "usurper");
});

test("a failed renewal, an answer lost on the way and a lease deleted by hand do not cost leadership", async () => {
  const time = clock();
  const api = createFakeApi(time);
  const { abort, ended, log } = stand(api, time);
  await time.advance(1_000);
  let lost = 2;
  api.intercept = async (_request, proceed) => {
    const answer = await proceed();
    return lost-- > 0 ? new Error("the answer was lost") : answer;
  };
  await time.advance(8_000);
  api.remove(PATH);
  await time.advance(8_000);
  assert.deepEqual(log, ["leads"]);
  assert.equal(spec(api).holderIdentity, "me");
  abort.abort(new Error("shutdown"));
  await Promise.all([ended, time.advance(5_000)]);
});

test("an abort before leadership resolves at once", async () => {
  const time = clock();
  const api = createFakeApi(time);
  api.put(PATH, { ...LEASE, spec: { holderIdentity: "other", leaseDurationSeconds: 15 } });
  const { abort, ended, log } = stand(api, time);
  await time.advance(1_000);
  abort.abort(new Error("shutdown"));
  await ended;
  assert.deepEqual(log, ["ended"]);
});

test("the error of the work is passed on, after the release", async () => {
  const time = clock();
  const api = createFakeApi(time);
  const failure = new Error("work");
  const ended = runLeaderElection({
    client: api.client,
    namespace: "kube-system",
    name: "controller",
    identity: "me",
    clock: time,
    signal: new AbortController().signal,
    lead: async () => {
      throw failure;
    },
  });
  await assert.rejects(ended, failure);
  assert.equal(spec(api).holderIdentity, "");
});

test("a lease whose last renewal seemed to fail is still released", async () => {
  const time = clock();
  const api = createFakeApi(time);
  const { abort, ended } = stand(api, time);
  await time.advance(1_000);
  let lost = 1;
  api.intercept = async (_request, proceed) => {
    const answer = await proceed();
    return lost-- > 0 ? new Error("the answer was lost") : answer;
  };
  await time.advance(1_500);
  abort.abort(new Error("shutdown"));
  await Promise.all([ended, time.advance(5_000)]);
  assert.equal(spec(api).holderIdentity, "");
});
