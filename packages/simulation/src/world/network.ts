/**
 * The network that every request of the world goes through. A request is an event when it arrives, its answer another; what
 * happens to them on the way says `faults/message-faults.ts`. A message of a process that was killed is still on its way.
 */
import { faultsFor, MESSAGE_FAULTS, type MessageFacts, type MessageFault } from "../faults/message-faults.ts";
import type { Fates } from "./fates.ts";
import type { Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Timeline } from "./timeline.ts";

export type Handler = (request: Request) => Promise<Response>;

export type Endpoint = {
  /** As the timeline calls it: `kube`, `hetzner`. */
  readonly name: string;
  readonly kind: MessageFacts["to"];
  readonly handle: Handler;
  /** Longest time that a request may be late, in milliseconds: what the server promises of stragglers. */
  readonly stragglerMs: number;
  /** False where a repeated change is another one. */
  readonly mayRepeat: (request: { method: string; path: string }) => boolean;
  /** An answer with this status, in the format of the server. */
  readonly respond: (status: number, options: { retryAfterSeconds?: number | undefined }) => Response;
};

export type Message = {
  /** Stable over replays in which other messages fare otherwise: `controller-a → kube PATCH machines #3`. */
  readonly id: string;
  readonly from: Process;
  readonly to: Endpoint;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly sentAtMs: number;
};

export type Network = {
  /** The way from a process to an endpoint: a `Transport`, or a `fetch`. */
  connect(from: Process, to: Endpoint, options: { isController: boolean }): Handler;
  /** While the pair is cut off, every message between them is lost. */
  partition(from: string, to: string): void;
  rejoin(from: string, to: string): void;
  /** For a while every message that is like this suffers the fault. */
  spell(spell: Spell, ms: number): void;
  heal(): void;
};

export type Spell = {
  /** Name of a fault; it strikes only what it can strike. */
  readonly fault: string;
  readonly to: MessageFacts["to"];
  /** Default: any. */
  readonly method?: string;
  /** What the path holds; default: any. */
  readonly about?: RegExp;
};

export type NetworkOptions = {
  scheduler: Scheduler;
  fates: Fates;
  timeline: Timeline;
  rates: ReadonlyMap<string, number>;
  /** Told when a request has had its effect; `text` is the answer's body, empty for a watch. */
  onEffect(message: Message, answer: { status: number; text: string }): void;
  onCrash(message: Message, fault: MessageFault): void;
  /** Told of each message of a controller as it is sent, and which faults can strike it. */
  onMessage?: ((id: string, faults: readonly string[]) => void) | undefined;
};

const SILENCE_MS = 120_000;

export function createNetwork(options: NetworkOptions): Network {
  const { scheduler, fates, timeline, rates, onEffect, onCrash } = options;
  const counts = new Map<string, number>();
  const partitions = new Set<string>();
  let spells: (Spell & { untilMs: number })[] = [];

  function spelled(facts: MessageFacts, path: string): MessageFault | undefined {
    const names = spells
      .filter(({ to, untilMs }) => to === facts.to && scheduler.now() < untilMs)
      .filter(({ method = facts.method, about }) => method === facts.method && (about?.test(path) ?? true))
      .map(({ fault }) => fault);
    return MESSAGE_FAULTS.find(({ name, on }) => names.includes(name) && on(facts));
  }

  function identify(from: Process, to: Endpoint, request: { method: string; path: string }): string {
    const key = `${from.name} → ${to.name} ${request.method} ${kindOf(request.path)}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return `${key} #${count}`;
  }

  const delayOf = (message: Message, way: string): number => {
    const draw = fates.draw(`${message.id} ${way}`);
    return message.to.kind === "kube" ? 1 + Math.floor(draw * 6) : 15 + Math.floor(draw * 120);
  };

  /** One request under way: settles with what its sender gets to see. */
  function carry(
    message: Message,
    { isWatch, fault, signal }: { isWatch: boolean; fault: MessageFault | undefined; signal: AbortSignal },
  ): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const { from, to } = message;
    const gone = new AbortController();
    const reply = (effect: () => void, ms = delayOf(message, "reply")): void =>
      void scheduler.after(ms, () => from.deliver(effect));
    const lose = (): void => {
      const ms = fault?.silent ? SILENCE_MS : delayOf(message, "reset");
      reply(() => reject(new TypeError("fetch failed", { cause: new Error("connection reset by peer") })), ms);
    };
    const arrive = (isFirst: boolean): void =>
      void serve(isFirst).catch((error: unknown) => reply(() => reject(error)));

    async function serve(isFirst: boolean): Promise<void> {
      const { answer } = fault ?? {};
      if (answer?.effect === false && isFirst) {
        timeline.add(to.name, `answers ${message.id} with ${answer.status}`, "fault");
        return reply(() => resolve(to.respond(answer.status, answer)));
      }
      if (fault?.watch !== undefined && "expired" in fault.watch) {
        timeline.add(to.name, `answers ${message.id} with 410`, "fault");
        return reply(() => resolve(to.respond(410, {})));
      }
      const served = await to.handle(toRequest(message, gone.signal));
      if (isWatch && served.ok && served.body !== null) {
        onEffect(message, { status: served.status, text: "" });
        const body = relay(served.body, { message, fault, gone });
        return reply(() => resolve(new Response(body, { status: served.status, headers: served.headers })));
      }
      const text = await served.text();
      timeline.add(to.name, `${served.status} to ${message.id}${isFirst ? "" : " (again)"} ${message.path}`);
      onEffect(message, { status: served.status, text });
      if (!isFirst || fault?.request === "late") return;
      if (fault?.crash === "after") return onCrash(message, fault);
      if (fault?.reply === "lost") return lose();
      const { status, headers } = served;
      const ms = fault?.reply === "slow" ? 5_000 + Math.floor(fates.draw(`${message.id} slow`) * 40_000) : undefined;
      if (answer?.effect === true) return reply(() => resolve(to.respond(answer.status, answer)));
      if (fault?.reply === "cut") return reply(() => resolve(new Response(brokenOff(text), { status, headers })));
      if (fault?.reply === "trickles" && status !== 204) {
        const body = trickling(text, (effect) =>
          reply(effect, 1_000 + Math.floor(fates.draw(`${message.id} trickle`) * 9_000)),
        );
        return reply(() => resolve(new Response(body, { status, headers })));
      }
      reply(() => resolve(new Response(status === 204 ? null : text, { status, headers })), ms);
    }

    if (fault !== undefined && fault !== CUT_OFF)
      timeline.add("network", `${fault.name}: ${message.id} ${message.path}`, "fault");
    if (fault?.request === "lost") lose();
    else if (fault?.request === "late") {
      scheduler.after(2_000 + Math.floor(fates.draw(`${message.id} late`) * (to.stragglerMs - 2_000)), () =>
        arrive(true),
      );
      if (fault.crash === undefined) lose();
    } else if (fault?.crash !== "before") scheduler.after(delayOf(message, "request"), () => arrive(true));
    if (fault?.request === "twice") scheduler.after(delayOf(message, "again") * 40, () => arrive(false));
    if (fault?.crash === "before") scheduler.after(0, () => onCrash(message, fault));

    const leave = (): void => {
      gone.abort();
      reject(signal.reason);
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    from.onKill(() => gone.abort());
    promise.catch(() => undefined);
    return promise;
  }

  /** The events of a watch, one by one and in order, until either side ends it or it breaks. */
  function relay(
    source: ReadableStream<Uint8Array>,
    { message, fault, gone }: { message: Message; fault: MessageFault | undefined; gone: AbortController },
  ): ReadableStream<Uint8Array> {
    const { from } = message;
    const reader = source.getReader();
    const { watch } = fault ?? {};
    let nextAtMs = 0;
    let events = 0;
    return new ReadableStream<Uint8Array>({
      start(controller) {
        const pass = (effect: () => void): void => {
          const lagMs = watch !== undefined && "lagMs" in watch ? watch.lagMs : 0;
          // Of one moment the scheduler shuffles what a connection keeps in order.
          nextAtMs = Math.max(nextAtMs + 1, scheduler.now() + delayOf(message, `event ${events}`) + lagMs);
          events += 1;
          scheduler.after(nextAtMs - scheduler.now(), () =>
            from.deliver(() => {
              if (!gone.signal.aborted) effect();
            }),
          );
        };
        // A stream that has ended hears nothing more.
        const close = (): void => {
          gone.abort();
          controller.close();
        };
        const expire = (): void => {
          const object = { kind: "Status", apiVersion: "v1", status: "Failure", code: 410, reason: "Expired" };
          controller.enqueue(new TextEncoder().encode(`${JSON.stringify({ type: "ERROR", object })}\n`));
          close();
        };
        const breakOff = (): void => {
          gone.abort();
          controller.error(new TypeError("terminated"));
        };
        const pump = async (): Promise<void> => {
          for (;;) {
            const { done, value } = await reader.read();
            if (done) return pass(close);
            if (partitions.has(`${from.name} ${message.to.name}`)) return pass(breakOff);
            if (watch !== undefined && "cutAfter" in watch && events >= watch.cutAfter)
              return pass(watch.expires ? expire : breakOff);
            pass(() => controller.enqueue(value));
          }
        };
        gone.signal.addEventListener("abort", () => void reader.cancel().catch(() => undefined), { once: true });
        void pump().catch(() => undefined);
      },
      cancel: () => gone.abort(),
    });
  }

  return {
    connect: (from, to, { isController }) =>
      async function send(request) {
        if (!from.isAlive) return new Promise<Response>(() => {});
        const { method, url } = request;
        const path = url.slice(url.indexOf("/", "https://".length));
        const [pathname = "", search = ""] = path.split("?");
        const sentAtMs = scheduler.now();
        const isWatch = search.includes("watch=true");
        const id = identify(from, to, { method, path: isWatch ? `${pathname}/watch` : pathname });
        const mayRepeat = to.mayRepeat({ method, path });
        const facts = { to: to.kind, method, isWatch, mayRepeat };
        const possible = isController && !fates.isResting ? faultsFor(facts, rates) : [];
        if (possible.length > 0)
          options.onMessage?.(
            id,
            possible.map(({ name }) => name),
          );
        const fault = partitions.has(`${from.name} ${to.name}`)
          ? CUT_OFF
          : ((isController ? spelled(facts, path) : undefined) ?? fates.choose(id, possible));
        const body = await request.text();
        const message: Message = { id, from, to, method, path, body, sentAtMs };
        requests.set(message, request);
        return carry(message, { isWatch, fault, signal: request.signal });
      },
    partition: (from, to) => void partitions.add(`${from} ${to}`),
    rejoin: (from, to) => void partitions.delete(`${from} ${to}`),
    spell: (spell, ms) => void spells.push({ ...spell, untilMs: scheduler.now() + ms }),
    heal() {
      partitions.clear();
      spells = [];
    },
  };
}

const CUT_OFF: MessageFault = { name: "partition", request: "lost", silent: true, on: () => true };

/** What a message was made of. */
const requests = new WeakMap<Message, Request>();

function toRequest(message: Message, signal: AbortSignal): Request {
  const { url, headers } = requests.get(message) as Request;
  const { method, body } = message;
  return new Request(url, { method, headers, signal, ...(body !== "" && { body }) });
}

/** The text, once `later` lets it come. */
const trickling = (text: string, later: (effect: () => void) => void): ReadableStream<Uint8Array> =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      later(() => {
        try {
          controller.enqueue(new TextEncoder().encode(text));
          controller.close();
        } catch {
          // Whoever asked has cancelled it.
        }
      });
    },
  });

/** Half of the text, and then the connection breaks. */
function brokenOff(text: string): ReadableStream<Uint8Array> {
  let isFirst = true;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (isFirst) controller.enqueue(new TextEncoder().encode(text.slice(0, text.length / 2)));
      else controller.error(new TypeError("terminated"));
      isFirst = false;
    },
  });
}

/** `/apis/cluster.k8s.io/v1alpha1/namespaces/kube-system/machines/m/status` → `machines/status`. */
function kindOf(path: string): string {
  const parts = path.split("/").filter((part) => part !== "");
  const at = parts.indexOf("namespaces");
  const rest =
    at >= 0 && parts.length > at + 2
      ? parts.slice(at + 2)
      : parts.slice(parts[0] === "apis" ? 3 : parts[0] === "api" ? 2 : 1);
  const [kind = "", , sub] = rest.at(-1) === "watch" ? [rest[0], "", "watch"] : rest;
  return sub === undefined ? kind : `${kind}/${sub}`;
}
