/** Source of time. A simulation passes virtual time; nothing in this package reads another clock. */
export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Settles after `ms`, or rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, options: { signal: AbortSignal }): Promise<void>;
};

/** Kubernetes writes times with whole seconds: `2026-01-31T08:00:00Z`. */
export function toTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `MicroTime` as Leases and Events carry it. */
export function toMicroTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

/**
 * Runs `callback` once the event loop has handed over all input that has arrived: what group commit waits for.
 * Only a database on disk needs it; in memory nothing is deferred, so a simulation stays in charge of scheduling.
 */
export function afterInput(callback: () => void): void {
  setImmediate(callback);
}
