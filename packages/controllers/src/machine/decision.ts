import type { CreateIntent } from "@machine-controller/api";
import type { Node } from "@machine-controller/kube-client";

/** A JSON merge patch (RFC 7396) of a Machine or Node, without `metadata.resourceVersion`: the actor adds it. */
export type MergePatch = { readonly [field: string]: unknown };

export type EventToEmit = { readonly type: "Normal" | "Warning"; readonly reason: string; readonly message: string };

/**
 * What a Machine needs next, as a value: `run` carries it out, `explain` prints it, the simulation checks it.
 * One decision is at most one effect. `why` completes the sentence "this is done because …" for a reader.
 */
export type Decision = { readonly why: string } & (
  | {
      /** Nothing to do until something changes, or until `untilMs` on the clock. */
      readonly kind: "wait";
      readonly untilMs?: number;
    }
  /** Ask which account the credential belongs to. */
  | { readonly kind: "identify" }
  /** Let the provider check the spec against the cloud. */
  | { readonly kind: "validate" }
  | { readonly kind: "prepare-user-data" }
  /** Read the cloud: the shared list (proves presence) or this instance directly (may prove absence). */
  | {
      readonly kind: "look-up";
      readonly how: "list" | "direct";
      readonly startedAfterMs: number;
      /** The recorded instance is gone: another one with the Machine's mark takes its place. */
      readonly seeksHeir?: true;
    }
  /** See whether a Secret or ConfigMap has changed that a failure may come from. */
  | { readonly kind: "check-references" }
  | { readonly kind: "create"; readonly intent: CreateIntent }
  | { readonly kind: "delete-instance" }
  | { readonly kind: "drain"; readonly node: Node }
  /** Read which volumes are attached to the Node. */
  | { readonly kind: "look-at-volumes"; readonly node: Node; readonly startedAfterMs: number }
  /** Take the instance's system out of its Red Hat subscription. */
  | { readonly kind: "unregister" }
  | {
      readonly kind: "patch-machine";
      readonly patch: MergePatch;
      readonly event?: EventToEmit;
      readonly intends?: true;
    }
  | { readonly kind: "patch-node"; readonly node: Node; readonly patch: MergePatch; readonly event?: EventToEmit }
  | { readonly kind: "delete-node"; readonly node: Node }
  | { readonly kind: "delete-machine"; readonly event: EventToEmit }
);

export const wait = (why: string, untilMs?: number): Decision => ({
  kind: "wait",
  why,
  ...(untilMs !== undefined && { untilMs }),
});
