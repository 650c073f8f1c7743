import type { Instance, ProviderError } from "@machine-controller/provider";
import type { Blocker } from "./drain.ts";

/**
 * What this process has learnt of one Machine's instance since it started to lead. Never written down: after a restart
 * it is empty, and every decision is right with less of it, only slower. Times are milliseconds on the clock, taken
 * before the read began.
 */
export type Knowledge = {
  /** Account of the credential that was last used; `absent` was read with it. */
  readonly account?: string;
  /** The spec (`specKey`) that the provider's validation accepted. */
  readonly validated?: string;
  readonly userData?: { readonly text: string; readonly at: number };
  /** What held up the user data, as a sentence, and when. */
  readonly userDataMissing?: { readonly message: string; readonly at: number };
  /** This process wrote the intent, so nobody else has asked the cloud for it. */
  readonly intentIsFresh?: boolean;
  /** When a request of this process to create was last under way that, or a copy of which, may still have its effect. */
  readonly createAskedAt?: number;
  /** The newest read that saw the instance. */
  readonly present?: { readonly at: number; readonly instance: Instance };
  /** A complete list that began then did not show it: a reason to look directly, and no more. */
  readonly unlistedAt?: number;
  /** That list showed another one with the Machine's mark. */
  readonly isDisplaced?: true;
  /** Direct reads that confirmed absence, with none in between that saw it. */
  readonly absent?: { readonly firstAt: number; readonly lastAt: number };
  /** This process asked the cloud to delete; `seen`: the cloud said that the instance is there and being deleted. */
  readonly deletion?: { readonly firstAt: number; readonly lastAt: number; readonly seen: boolean };
  /** UIDs of Nodes that this process deleted; the informer may still show them. */
  readonly deletedNodes?: readonly string[];
  /** The rounds of its drain, and what the last one left. */
  readonly drain?: { readonly firstAt: number; readonly at: number; readonly blockers: readonly Blocker[] };
  /** Looks at what is attached to its Node, and what the last one saw. */
  readonly volumes?: { readonly firstAt: number; readonly at: number; readonly attached: readonly string[] };
  /** Tries to take the system out of its subscription, and why the last one failed, if it did. */
  readonly unregistration?: { readonly firstAt: number; readonly at: number; readonly problem?: string };
  /** This process took the last finalizer off; the informer may still show the Machine. */
  readonly released?: boolean;
  /** What the API server last refused to its Node. */
  readonly nodeRefusal?: NodeRefusal;
  readonly failure?: Failure;
};

export type Failure = {
  readonly error: ProviderError;
  /** The spec it happened with: a change makes it void. */
  readonly specKey: string;
  /** Failures in a row. */
  readonly count: number;
  readonly retryAtMs: number;
  /** What the Machine refers to, as it was when it was last looked at. */
  readonly references?: { readonly digest: string | undefined; readonly at: number };
};

export type NodePart = "labels" | "annotations" | "taints";

export type NodeRefusal = {
  /** Of which Node the Machine said what: a change makes it void. */
  readonly saying: string;
  /** `all`: what is this controller's own, too. */
  readonly parts: readonly NodePart[] | "all";
  readonly message: string;
  /** Refusals in a row. */
  readonly count: number;
  readonly retryAtMs: number;
};

export const NOTHING_KNOWN: Knowledge = {};

export function sawInstance(knowledge: Knowledge, instance: Instance, at: number): Knowledge {
  if ((knowledge.present?.at ?? -1) > at) return knowledge;
  return { ...withoutAbsence(knowledge), present: { at, instance } };
}

export function sawAbsence({ present, ...knowledge }: Knowledge, at: number): Knowledge {
  return { ...knowledge, absent: { firstAt: knowledge.absent?.firstAt ?? at, lastAt: at } };
}

/** An instance whose Node is Ready runs, whatever the cloud has said; unless it is another one that runs. */
export function sawNodeReady(knowledge: Knowledge): Knowledge {
  if (knowledge.isDisplaced || (knowledge.absent === undefined && knowledge.unlistedAt === undefined)) return knowledge;
  return withoutAbsence(knowledge);
}

/** What was absent for one account says nothing of another. */
export function withAccount(knowledge: Knowledge, account: string): Knowledge {
  if (knowledge.account === account) return knowledge;
  return { ...(knowledge.account === undefined ? knowledge : withoutAbsence(knowledge)), account };
}

/** A complete list shows others of the Machine's mark, and not the one that is recorded. */
export const sawOthers = (knowledge: Knowledge, at: number): Knowledge =>
  (knowledge.present?.at ?? -1) > at ? knowledge : { ...knowledge, unlistedAt: at, isDisplaced: true };

export function withoutAbsence({ absent, unlistedAt, isDisplaced, ...knowledge }: Knowledge): Knowledge {
  return knowledge;
}
