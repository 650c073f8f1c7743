/**
 * `AbortController` and `AbortSignal` for worlds. The platform's keep every signal that follows another and is listened to
 * alive until it aborts, which in a process that was killed it never does: each world would stay in memory for ever. They
 * also make an error with a stack for each abort that nobody gave a reason for. There is no `timeout`: it would be real time.
 */

type Listener = (event: { type: "abort"; target: WorldAbortSignal }) => void;
type ListenerOrObject = Listener | { handleEvent: Listener } | null;

const MAKE = Symbol("only controllers make signals");

export class WorldAbortSignal {
  #aborted = false;
  #reason: unknown;
  /** Made when there are any: of most signals nobody ever hears. */
  #listeners: Map<ListenerOrObject, { once: boolean }> | undefined;
  #followers: Set<WorldAbortSignal> | undefined;
  onabort: Listener | null = null;

  constructor(key: unknown) {
    if (key !== MAKE) throw new TypeError("Illegal constructor");
  }

  static abort(reason?: unknown): WorldAbortSignal {
    const signal = new WorldAbortSignal(MAKE);
    abort(signal, reason);
    return signal;
  }

  static any(sources: Iterable<WorldAbortSignal>): WorldAbortSignal {
    const all = [...sources];
    const aborted = all.find((source) => source.aborted);
    if (aborted !== undefined) return WorldAbortSignal.abort(aborted.reason);
    const signal = new WorldAbortSignal(MAKE);
    for (const source of all) (source.#followers ??= new Set()).add(signal);
    return signal;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    // Made only if somebody looks: most aborts say no more than that it is over.
    if (this.#aborted) this.#reason ??= new DOMException("This operation was aborted", "AbortError");
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.reason;
  }

  addEventListener(type: string, listener: ListenerOrObject, options: boolean | { once?: boolean } = {}): void {
    if (type !== "abort" || listener === null || this.#listeners?.has(listener)) return;
    (this.#listeners ??= new Map()).set(listener, { once: typeof options === "object" && options.once === true });
  }

  removeEventListener(type: string, listener: ListenerOrObject): void {
    if (type === "abort") this.#listeners?.delete(listener);
  }

  /** Returns those that follow, all aborted before anybody is told. */
  #end(reason: unknown): WorldAbortSignal[] {
    if (this.#aborted) return [];
    this.#aborted = true;
    this.#reason = reason;
    const followers = [...(this.#followers ?? [])].flatMap((follower) => follower.#end(reason));
    this.#followers = undefined;
    return [this, ...followers];
  }

  #tell(): void {
    const event = { type: "abort", target: this } as const;
    const listeners = [...(this.#listeners ?? [])];
    if (this.onabort !== null) call(this.onabort, event);
    for (const [listener, { once }] of listeners) {
      if (!this.#listeners?.has(listener)) continue;
      if (once) this.#listeners.delete(listener);
      if (listener !== null) call(typeof listener === "function" ? listener : listener.handleEvent, event);
    }
  }

  /** For this module alone. */
  static run(key: typeof MAKE, signal: WorldAbortSignal, reason: unknown): void {
    if (key !== MAKE) throw new TypeError("Illegal invocation");
    // Whoever follows shares the reason.
    for (const each of signal.#end(reason)) each.#tell();
  }
}

export class WorldAbortController {
  readonly signal = new WorldAbortSignal(MAKE);

  abort(reason?: unknown): void {
    abort(this.signal, reason);
  }
}

const abort = (signal: WorldAbortSignal, reason: unknown): void => WorldAbortSignal.run(MAKE, signal, reason);

/** What a listener throws goes past whoever aborted, as on the platform. */
function call(listener: Listener, event: Parameters<Listener>[0]): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
