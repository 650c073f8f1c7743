// v1 Events, written in the background: repetitions become a count, floods are cut, and no caller ever waits or fails.
import {
  type Clock,
  type Event,
  type KubeClient,
  type KubeObject,
  coreResources,
  isKubeError,
  startDeadline,
  untilAborted,
} from "@machine-controller/kube-client";
import { LRUCache } from "lru-cache";
import { backoffMs } from "./backoff.ts";

export type EventInput = { type: "Normal" | "Warning"; reason: string; message: string; action?: string };

export type EventRecorder = {
  /**
   * Never throws. Dropped are events beyond their object's budget, Normal ones beyond their reason's, and all while the queue
   * is full.
   */
  event(object: KubeObject, event: EventInput): void;
  /** Resolves when everything recorded so far was written or given up. */
  flush(options: { signal: AbortSignal }): Promise<void>;
  /** Takes no more events, writes what waits for at most `timeoutMs` (default 5 s), drops the rest. */
  close(options?: { timeoutMs?: number }): Promise<void>;
  /** How many events were dropped or could not be written. */
  readonly lost: number;
};

export type EventRecorderOptions = {
  client: KubeClient;
  /** Who speaks, for example `machine-controller`. */
  component: string;
  clock: Clock;
  /** Names events: `[0, 1)`. */
  random: () => number;
  onError?: (error: unknown) => void;
};

/** Events at once, and how long until one more. */
type Limit = { burst: number; refillMs: number };
/** client-go's. */
const OF_OBJECT: Limit = { burst: 25, refillMs: 300_000 };
/** Of one reason that is no trouble: a fleet that rises has better use for its writes, and its objects say the same. */
const OF_NORMAL: Limit = { burst: 100, refillMs: 500 };
const MAX_WAITING = 1000;
const MAX_REMEMBERED = 4096;
/** After which a repetition is a new event: the server forgets events after an hour. */
const SERIES_MS = 600_000;
/** Events written at once: a fleet tells more than one at a time can carry. */
const WRITERS = 4;
const ATTEMPTS = 4;
const RETRY = { baseMs: 500, maxMs: 10_000 };
/** Of an object name (≤ 253) within an event name. */
const MAX_NAME = 230;

type Waiting = { object: KubeObject; input: EventInput; count: number; firstAt: number; lastAt: number };
type Series = { namespace: string; name: string; count: number; lastAt: number };

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, component, clock, random, onError = () => {} } = options;
  const waiting = new Map<string, Waiting>();
  const series = new LRUCache<string, Series>({ max: MAX_REMEMBERED });
  const budgets = new LRUCache<string, { tokens: number; at: number }>({ max: MAX_REMEMBERED });
  const stopping = new AbortController();
  let isClosed = false;
  let lost = 0;
  /** Keys whose event is being written: the next of the same waits, to be a repetition. */
  const busy = new Set<string>();
  const writers = new Set<Promise<void>>();

  function spend(key: string, { burst, refillMs }: Limit): boolean {
    const now = clock.now();
    const { tokens, at } = budgets.get(key) ?? { tokens: burst, at: now };
    const left = Math.min(burst, tokens + (now - at) / refillMs);
    const isAllowed = left >= 1;
    budgets.set(key, { tokens: isAllowed ? left - 1 : left, at: now });
    return isAllowed;
  }

  const mayTell = (objectKey: string, { type, reason }: EventInput): boolean =>
    spend(objectKey, OF_OBJECT) && (type === "Warning" || spend(reason, OF_NORMAL));

  function startWriter(): void {
    if (writers.size >= WRITERS) return;
    const writer = writeAll().finally(() => writers.delete(writer));
    writers.add(writer);
  }

  async function writeAll(): Promise<void> {
    for (let next = take(); next !== undefined; next = take()) {
      const [key, entry] = next;
      busy.add(key);
      try {
        await write(key, entry);
      } catch (error) {
        lost += entry.count;
        if (!stopping.signal.aborted) onError(error);
      } finally {
        busy.delete(key);
      }
    }
  }

  function take(): [string, Waiting] | undefined {
    for (const next of waiting) {
      if (busy.has(next[0])) continue;
      waiting.delete(next[0]);
      return next;
    }
    return undefined;
  }

  async function written(): Promise<void> {
    while (writers.size > 0) await Promise.all(writers);
  }

  async function write(key: string, entry: Waiting): Promise<void> {
    const { signal } = stopping;
    const known = series.get(key);
    // Named once, so that a retry after an unknown outcome cannot make a second event.
    const event = toEvent(entry);
    for (let attempt = 1; ; attempt += 1) {
      try {
        signal.throwIfAborted();
        if (known && entry.lastAt - known.lastAt < SERIES_MS && (await repeat(key, known, entry))) return;
        await client.create(coreResources.events, event, { signal }).catch((error: unknown) => {
          if (attempt === 1 || !isKubeError(error, "AlreadyExists")) throw error;
        });
        const { namespace = "", name = "" } = event.metadata;
        series.set(key, { namespace, name, count: entry.count, lastAt: entry.lastAt });
        return;
      } catch (error) {
        if (signal.aborted || attempt === ATTEMPTS || !isKubeError(error) || !error.retryable) throw error;
        await clock.sleep(Math.max(error.retryAfterMs ?? 0, backoffMs(RETRY, attempt - 1)), { signal });
      }
    }
  }

  /** False: the event of the series is gone. */
  async function repeat(key: string, { namespace, name, count }: Series, entry: Waiting): Promise<boolean> {
    const body = { count: count + entry.count, lastTimestamp: toTime(entry.lastAt) };
    try {
      await client.patch(
        coreResources.events,
        { namespace, name },
        { type: "merge", body },
        { signal: stopping.signal },
      );
    } catch (error) {
      if (isKubeError(error, "NotFound")) return false;
      throw error;
    }
    series.set(key, { namespace, name, count: body.count, lastAt: entry.lastAt });
    return true;
  }

  function toEvent({ object, input, count, firstAt, lastAt }: Waiting): Event {
    const { name = "", namespace, uid, resourceVersion } = object.metadata;
    const suffix = [random(), random()]
      .map((part) =>
        Math.floor(part * 2 ** 32)
          .toString(16)
          .padStart(8, "0"),
      )
      .join("");
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name.slice(0, MAX_NAME)}.${suffix}`, namespace: namespace || "default" },
      involvedObject: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name,
        ...(namespace && { namespace }),
        ...(uid && { uid }),
        ...(resourceVersion && { resourceVersion }),
      },
      ...input,
      source: { component },
      reportingComponent: component,
      reportingInstance: component,
      firstTimestamp: toTime(firstAt),
      lastTimestamp: toTime(lastAt),
      count,
    };
  }

  return {
    event(object, input) {
      const { kind, metadata } = object;
      const objectKey = metadata.uid ?? `${kind}/${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
      const key = JSON.stringify([objectKey, input.type, input.reason, input.action, input.message]);
      const now = clock.now();
      const same = waiting.get(key);
      if (same !== undefined) {
        same.count += 1;
        same.lastAt = now;
      } else if (isClosed || waiting.size >= MAX_WAITING || !mayTell(objectKey, input)) {
        lost += 1;
      } else {
        waiting.set(key, { object, input, count: 1, firstAt: now, lastAt: now });
        startWriter();
      }
    },
    flush: async ({ signal }) => await untilAborted(written(), signal),
    async close({ timeoutMs = 5000 } = {}) {
      isClosed = true;
      const reason = (): Error => new DOMException("the event recorder is closed", "TimeoutError");
      using deadline = startDeadline({ signal: stopping.signal, clock, timeoutMs, reason });
      await untilAborted(written(), deadline.signal).catch(() => undefined);
      stopping.abort(reason());
      await written();
    },
    get lost() {
      return lost;
    },
  };
}

function toTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
