// Watchers that come and go while many write. What writers were told is held against what each watcher saw.
import { setTimeout as sleep } from "node:timers/promises";
import { coreResources, isKubeError, type KubeClient, type KubeObject } from "@machine-controller/kube-client";

const maps = coreResources.configMaps;
type Watch = KubeClient["watch"];

export type TortureOptions = {
  client: KubeClient;
  /** How watchers watch: the client's own `watch`, or one with a planted fault. */
  watch: Watch;
  namespace: string;
  writers: number;
  watchers: number;
  seconds: number;
};

/** `problems`: every way in which a watcher saw other than what happened. */
export type TortureOutcome = { problems: string[]; writes: number; connections: number };

/** What writers were told: the labels under each resourceVersion, and how often each object was deleted. */
type Acknowledged = { labels: Map<string, boolean>; deletions: Map<string, number>; writes: number };

const OBJECTS = 40;
const LAST = "the-end";
/**
 * A watcher leaves so long after its first event at most, and comes back. A visit that ended after a number of events would
 * make as many connections as there are writes, each of them a handshake: no watcher would ever catch up with 50 writers.
 */
const MAX_VISIT_MS = 500;
/** When writers have stopped, each watcher has so long to see the rest. */
const REST_MS = 60_000;

export async function tortureWatches(options: TortureOptions): Promise<TortureOutcome> {
  const { client, namespace } = options;
  const { signal } = new AbortController();
  const acknowledged: Acknowledged = { labels: new Map(), deletions: new Map(), writes: 0 };
  const start = await client.listAll(maps, { namespace, signal });
  const watchers = Array.from({ length: options.watchers }, (_, index) =>
    // Half of them select what writers keep moving in and out of their sight.
    follow(options, { start, isSelective: index % 2 === 1 }),
  );
  const until = performance.now() + options.seconds * 1_000;
  await Promise.all(Array.from({ length: options.writers }, () => write(options, { until, acknowledged })));
  const labels = { even: "true" };
  const metadata = { namespace, name: LAST, labels };
  const last = await client.create(maps, { apiVersion: "v1", kind: "ConfigMap", metadata }, { signal });
  acknowledged.labels.set(last.metadata.resourceVersion ?? "", true);
  const views = await withinRest(watchers, last);
  const problems: string[] = [];
  for (const [index, view] of views.entries()) {
    const selector = view.isSelective ? { labelSelector: "even=true" } : {};
    const { items } = await client.listAll(maps, { namespace, ...selector, signal });
    const state = new Map(items.map(({ metadata }) => [metadata.name ?? "", metadata.resourceVersion ?? ""]));
    problems.push(...problemsOf(view, acknowledged, state).map((problem) => `watcher ${index}: ${problem}`));
  }
  const connections = views.reduce((total, view) => total + view.connections, 0);
  return { problems, writes: acknowledged.writes, connections };
}

/** Fails with what each watcher that is not done has last seen. */
async function withinRest(watchers: Follower[], last: KubeObject): Promise<View[]> {
  const stop = new AbortController();
  const tooLate = sleep(REST_MS, undefined, { signal: stop.signal }).then(() => {
    const waiting = watchers.flatMap(({ view }, index) =>
      view.known.has(LAST) ? [] : [`watcher ${index} is at ${view.resourceVersion} on connection ${view.connections}`],
    );
    const { resourceVersion } = last.metadata;
    throw new Error(`not all have seen ${LAST} at ${resourceVersion} after ${REST_MS} ms: ${waiting.join("; ")}`);
  });
  try {
    return await Promise.race([Promise.all(watchers.map(({ done }) => done)), tooLate]);
  } finally {
    stop.abort();
    tooLate.catch(() => {});
  }
}

type Follower = { view: View; done: Promise<View> };

type View = {
  isSelective: boolean;
  /** Of the last event seen. */
  resourceVersion: string;
  known: Map<string, string>;
  /** resourceVersions of all objects that came into sight or changed in it. */
  seen: Set<string>;
  deletions: Map<string, number>;
  problems: string[];
  connections: number;
};

function problemsOf(view: View, acknowledged: Acknowledged, state: ReadonlyMap<string, string>): string[] {
  const problems = [...view.problems];
  for (const [version, isEven] of acknowledged.labels) {
    if ((isEven || !view.isSelective) && !view.seen.has(version)) problems.push(`never saw ${version}`);
  }
  for (const name of new Set([...view.known.keys(), ...state.keys()])) {
    const [ours, theirs] = [view.known.get(name), state.get(name)];
    if (ours !== theirs) problems.push(`ends with ${name} at ${ours}, the server has ${theirs}`);
  }
  if (view.isSelective) return problems;
  for (const [name, count] of acknowledged.deletions) {
    const seen = view.deletions.get(name) ?? 0;
    if (seen !== count) problems.push(`saw ${seen} of ${count} deletions of ${name}`);
  }
  return problems;
}

function follow(
  options: TortureOptions,
  { start, isSelective }: { start: { items: KubeObject[]; resourceVersion: string }; isSelective: boolean },
): Follower {
  const view: View = {
    isSelective,
    resourceVersion: start.resourceVersion,
    known: new Map(),
    seen: new Set(),
    deletions: new Map(),
    problems: [],
    connections: 0,
  };
  if (!isSelective)
    for (const { metadata } of start.items) view.known.set(metadata.name ?? "", metadata.resourceVersion ?? "");
  return { view, done: watchUntilLast(options, view) };
}

async function watchUntilLast({ watch, namespace }: TortureOptions, view: View): Promise<View> {
  const scope = { namespace, ...(view.isSelective ? { labelSelector: "even=true" } : {}) };
  for (let isOver = false; !isOver;) {
    view.connections += 1;
    const leave = new AbortController();
    const visitMs = Math.random() * MAX_VISIT_MS;
    let end: number | undefined;
    const { resourceVersion } = view;
    for await (const event of watch(maps, { ...scope, resourceVersion, signal: leave.signal })) {
      if (event.type === "BOOKMARK") continue;
      const { name = "", resourceVersion: version = "" } = event.object.metadata;
      if (Number(version) <= Number(view.resourceVersion)) {
        view.problems.push(`${event.type} ${name} at ${version} comes after ${view.resourceVersion}`);
      }
      if (view.known.has(name) !== (event.type !== "ADDED")) {
        view.problems.push(`${event.type} ${name} at ${version} does not fit what came before`);
      }
      view.resourceVersion = version;
      if (event.type === "DELETED") {
        view.known.delete(name);
        view.deletions.set(name, (view.deletions.get(name) ?? 0) + 1);
      } else {
        view.known.set(name, version);
        view.seen.add(version);
      }
      isOver = name === LAST;
      end ??= performance.now() + visitMs;
      if (isOver || performance.now() > end) break;
    }
    leave.abort();
  }
  return view;
}

async function write(
  { client, namespace }: TortureOptions,
  { until, acknowledged }: { until: number; acknowledged: Acknowledged },
): Promise<void> {
  const { signal } = new AbortController();
  while (performance.now() < until) {
    const ref = { namespace, name: `m${Math.floor(Math.random() * OBJECTS)}` };
    const isEven = Math.random() < 0.5;
    const labels = { even: String(isEven) };
    const turn = Math.random();
    try {
      if (turn < 0.8) {
        const body = { metadata: { labels }, data: { turn: String(turn) } };
        const { metadata } =
          turn < 0.4
            ? await client.create(
                maps,
                { apiVersion: "v1", kind: "ConfigMap", metadata: { ...ref, labels } },
                { signal },
              )
            : await client.patch(maps, ref, { type: "merge", body }, { signal });
        acknowledged.labels.set(metadata.resourceVersion ?? "", isEven);
      } else {
        await client.delete(maps, ref, { signal });
        acknowledged.deletions.set(ref.name, (acknowledged.deletions.get(ref.name) ?? 0) + 1);
      }
      acknowledged.writes += 1;
    } catch (error) {
      if (!isKubeError(error, "AlreadyExists") && !isKubeError(error, "NotFound")) throw error;
    }
  }
}
