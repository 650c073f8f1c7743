// Watchers that reconnect at random see what writers do, all of it, once and in order. `TORTURE_SECONDS=60` for longer.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { connectKubeconfig, coreResources, type KubeClient } from "@machine-controller/kube-client";
import { startEmbeddedProcess } from "../clients/embedded-process.ts";
import { tortureWatches } from "./watch-torture.ts";

const WRITERS = 50;
const WATCHERS = 20;
const SECONDS = Number(process.env["TORTURE_SECONDS"] ?? 5);
type Watch = KubeClient["watch"];
type Events = ReturnType<Watch>;
type Event = Events extends AsyncIterable<infer E> ? E : never;

async function connect(t: TestContext): Promise<KubeClient> {
  const server = await startEmbeddedProcess();
  t.after(() => server.stop());
  const { client, close } = await connectKubeconfig({ kubeconfig: server.kubeconfigPath });
  t.after(close);
  return client;
}

test(`${WATCHERS} watchers that reconnect at random see what ${WRITERS} writers do`, async (t) => {
  const client = await connect(t);
  const options = { client, watch: client.watch, namespace: "default", seconds: SECONDS };
  const outcome = await tortureWatches({ ...options, writers: WRITERS, watchers: WATCHERS });
  t.diagnostic(`${outcome.writes} writes, ${outcome.connections} watches`);
  assert.deepEqual(outcome.problems.slice(0, 5), []);
  assert.ok(outcome.writes > 0 && outcome.connections > WATCHERS, "writers wrote and watchers reconnected");
});

/** What is done to the events of one connection; `connection` counts from 1. */
const FAULTS: Record<string, (events: Events, connection: number) => Events> = {
  async *"an event is dropped"(events) {
    let count = 0;
    for await (const event of events) if ((count += 1) !== 3) yield event;
  },
  async *"an event comes twice"(events) {
    let count = 0;
    for await (const event of events) {
      yield event;
      if ((count += 1) === 3) yield event;
    }
  },
  async *"two events change places"(events) {
    let count = 0;
    let held: Event | undefined;
    for await (const event of events) {
      count += 1;
      if (count === 3) held = event;
      else yield event;
      if (count === 4 && held !== undefined) yield held;
    }
  },
  async *"the first event after a reconnect is lost"(events, connection) {
    let count = 0;
    for await (const event of events) if ((count += 1) !== 1 || connection !== 2) yield event;
  },
};

test("a watch with a planted fault does not pass for whole", async (t) => {
  const client = await connect(t);
  const { signal } = new AbortController();
  for (const [index, [fault, spoil]] of Object.entries(FAULTS).entries()) {
    const namespace = `fault-${index}`;
    await client.create(
      coreResources.namespaces,
      { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
      { signal },
    );
    let connection = 0;
    const watch = ((...asked: Parameters<Watch>) => spoil(client.watch(...asked), (connection += 1))) as Watch;
    const { problems } = await tortureWatches({ client, watch, namespace, writers: 8, watchers: 1, seconds: 2 });
    t.diagnostic(`${fault}: ${problems.length} problems, such as: ${problems[0]}`);
    assert.ok(problems.length > 0, `${fault}, and nothing is noticed`);
  }
});
