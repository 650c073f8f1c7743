/**
 * How a plain cloud behaves where real ones differ: what makes creation safe to repeat, and how long its reads lag behind.
 * The figures are what the cloud's documentation would promise; providers are told them, and the cloud keeps within them.
 */
import type { Idempotency } from "@machine-controller/provider";

export type CloudModel = {
  readonly name: string;
  readonly title: string;
  readonly idempotency: Idempotency;
  /** Longest time that a new instance is missing from lists and from reads by mark. */
  readonly visibilityMs: number;
  /** Longest time that a deleted instance still shows in lists as if it ran. */
  readonly lingerMs: number;
  /** Share of new instances that a read by ID does not find at first, for less than `idempotency.consistencyMs`. */
  readonly wrongNotFoundShare: number;
  /** From the request to the end of a deletion. */
  readonly deletionMs: number;
  /** Longest time that a request may be under way. */
  readonly stragglerMs: number;
  /** The cloud says which account a credential belongs to. */
  readonly namesAccount: boolean;
};

export const TOKEN_CLOUD: CloudModel = {
  name: "plain-token",
  title: "Plain cloud with idempotency tokens",
  idempotency: { class: "token", settleMs: 20_000, consistencyMs: 4_000 },
  visibilityMs: 3_000,
  lingerMs: 3_000,
  wrongNotFoundShare: 0.2,
  deletionMs: 2_500,
  stragglerMs: 15_000,
  namesAccount: true,
};

export const NAME_CLOUD: CloudModel = {
  name: "plain-name",
  title: "Plain cloud with unique names",
  idempotency: { class: "unique-name", settleMs: 20_000, consistencyMs: 3_000 },
  visibilityMs: 2_000,
  lingerMs: 1_000,
  wrongNotFoundShare: 0.1,
  deletionMs: 6_000,
  stragglerMs: 15_000,
  namesAccount: false,
};

export const TAG_CLOUD: CloudModel = {
  name: "plain-tag",
  title: "Plain cloud with tags only",
  idempotency: { class: "tag-scan", settleMs: 30_000, consistencyMs: 6_000 },
  visibilityMs: 5_000,
  lingerMs: 4_000,
  wrongNotFoundShare: 0.2,
  deletionMs: 1_500,
  stragglerMs: 20_000,
  namesAccount: true,
};
