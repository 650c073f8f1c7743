/** Pieces of work that metrics, traces and logs tell about: each is seen from outside, by what runs around it. */

export type Work =
  /** One pass over one object; `waitedMs`: how long its key had been ready for a worker. */
  | { readonly kind: "reconcile"; readonly controller: string; readonly key: string; readonly waitedMs: number }
  /** One effect that a pass decided on, such as `create`. */
  | { readonly kind: "effect"; readonly controller: string; readonly key: string; readonly effect: string }
  /** One verb of a provider, whatever it asks the cloud. */
  | {
      readonly kind: "cloud-operation";
      readonly provider: string;
      readonly operation: string;
      readonly machine: string;
    }
  /** One HTTP request to a cloud. */
  | { readonly kind: "cloud-request"; readonly provider: string; readonly method: string; readonly host: string }
  /** One request to the API server; a watch until it is opened. */
  | {
      readonly kind: "api-request";
      readonly verb: string;
      readonly resource: string;
      readonly method: string;
      readonly host: string;
    };

/** Runs the work, sees its result or error, and passes on what it saw. */
export type Around = <T>(work: Work, run: () => Promise<T>) => Promise<T>;

/** The first is outermost. */
export const inside =
  (...layers: readonly Around[]): Around =>
  (work, run) =>
    layers.reduceRight<typeof run>((inner, layer) => () => layer(work, inner), run)();
