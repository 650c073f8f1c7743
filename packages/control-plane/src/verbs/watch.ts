/**
 * Watches: initial state if asked for, then every change of the selected objects, in order and complete, until the
 * client leaves, the time is over or the server closes. A watcher that does not keep up is cut off and lists again.
 */
import { isTrue } from "../http/request-info.ts";
import type { StatusError } from "../status-error.ts";
import type { Change } from "../storage/storage.ts";
import type { Context } from "./context.ts";
import { checkWatchOptions } from "./list-options.ts";
import { expired, integerOption, parseResourceVersion, tooLarge } from "./resource-version.ts";
import { createWatchFormat } from "./watch-format.ts";
import type { WatchFormat } from "./watch-format.ts";

/** Unread bytes after which a watcher is cut off. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;
const BOOKMARK_INTERVAL_MS = 60_000;
/** A timer of Node's that is set to more ends at once. */
const MAX_SLEEP_MS = 2 ** 31 - 1;
/** So long before its end a watch that takes bookmarks gets a last one. */
const LAST_BOOKMARK_MS = 2000;

type Plan = {
  /** Send the current objects first. */
  initial: boolean;
  /** Mark the end of the initial objects with a bookmark. */
  markEnd: boolean;
  after: number;
  error?: StatusError;
};

type Watch = {
  context: Context;
  /** How long it may last; none: as long as it likes. */
  seconds: number;
  plan: Plan;
  format: WatchFormat;
  signal: AbortSignal;
  stop: () => void;
  /** The stream has ended already, by the reader's own leaving. */
  isLeft: boolean;
};

export function watchObjects(context: Context): Response {
  const seconds = integerOption(context.query, "timeoutSeconds") ?? 0;
  const plan = planWatch(context);
  const format = createWatchFormat(context);
  const leave = new AbortController();
  const signal = AbortSignal.any([leave.signal, context.signal, context.server.closing]);
  const watch: Watch = { context, seconds, plan, format, signal, stop: () => leave.abort(), isLeft: false };
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => start(watch, controller),
      cancel() {
        watch.isLeft = true;
        leave.abort();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_BUFFERED_BYTES }),
  );
  return new Response(body, { headers: { "content-type": "application/json", "cache-control": "no-cache, private" } });
}

function start(watch: Watch, controller: ReadableStreamDefaultController<Uint8Array>): void {
  const { context, plan, format, signal, stop } = watch;
  const { storage } = context.server;
  const encoder = new TextEncoder();
  const send = (line: string | Uint8Array | undefined): void => {
    if (line === undefined || signal.aborted) return;
    controller.enqueue(typeof line === "string" ? encoder.encode(line) : line);
    if ((controller.desiredSize ?? 0) <= 0) stop();
  };
  const unsubscribe = storage.subscribe((changes) => {
    for (const change of changes) send(lineOf(watch, change));
  });
  signal.addEventListener(
    "abort",
    () => {
      unsubscribe();
      if (!watch.isLeft) controller.close();
    },
    { once: true },
  );
  if (plan.error !== undefined) {
    send(format.error(plan.error));
    stop();
    return;
  }
  if (plan.initial) for (const line of format.initial()) send(line);
  else {
    for (const change of storage.changes({ resource: context.resource.storage, after: plan.after })) {
      send(lineOf(watch, change));
    }
  }
  if (plan.markEnd) send(format.bookmark(storage.revision, { initialEventsEnd: true }));
  void endInTime(watch);
  if (isTrue(context.query.get("allowWatchBookmarks"))) void sendBookmarks(watch, send);
}

function lineOf(watch: Watch, change: Change): string | Uint8Array | undefined {
  const { resource, namespace } = watch.context;
  if (change.resource !== resource.storage) return undefined;
  if (namespace !== "" && change.namespace !== namespace) return undefined;
  return watch.format.change(change);
}

async function endInTime({ context, seconds, signal, stop }: Watch): Promise<void> {
  if (seconds <= 0) return;
  try {
    await context.server.clock.sleep(Math.min(seconds * 1000, MAX_SLEEP_MS), { signal });
    stop();
  } catch {
    // The watch ended first; nothing is left to do.
  }
}

async function sendBookmarks({ context, seconds, signal, format }: Watch, send: (line: string) => void): Promise<void> {
  const { clock, storage } = context.server;
  const end = clock.now() + seconds * 1000;
  try {
    for (;;) {
      const untilLast = end - clock.now() - LAST_BOOKMARK_MS;
      await clock.sleep(untilLast > 0 ? Math.min(untilLast, BOOKMARK_INTERVAL_MS) : BOOKMARK_INTERVAL_MS, { signal });
      send(format.bookmark(storage.revision));
    }
  } catch {
    // The watch ended; so do its bookmarks.
  }
}

function planWatch(context: Context): Plan {
  const { query } = context;
  const { storage } = context.server;
  const wanted = parseResourceVersion(query.get("resourceVersion"));
  const initialEvents = query.get("sendInitialEvents");
  checkWatchOptions(query);
  if (wanted !== undefined && wanted > storage.revision) throw tooLarge(wanted, storage.revision);
  const after = wanted ?? storage.revision;
  if (initialEvents !== null && isTrue(initialEvents)) return { initial: true, markEnd: true, after };
  const fromNow = wanted === undefined || wanted === 0;
  if (initialEvents === null && fromNow) return { initial: true, markEnd: false, after };
  if (fromNow) return { initial: false, markEnd: false, after: storage.revision };
  const error = after < storage.compacted ? expired(after, storage.compacted) : undefined;
  return { initial: false, markEnd: false, after, ...(error === undefined ? {} : { error }) };
}
