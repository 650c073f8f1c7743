/** Everything that can go wrong with one request of a controller and its answer, as data. `network.ts` carries it out. */
import type { Option } from "../world/fates.ts";

export type MessageFault = {
  readonly name: string;
  /**
   * `lost`: never arrives. `late`: arrives after whoever sent it has given up. `twice`: arrives a second time later, and
   * that answer goes nowhere.
   */
  readonly request?: "lost" | "late" | "twice";
  /** `cut`: breaks off in the middle of the body. `trickles`: its body comes long after its head. */
  readonly reply?: "lost" | "cut" | "slow" | "trickles";
  /** What the sender of a lost message notices: a broken connection, or nothing until it gives up. */
  readonly silent?: true;
  /** An answer of the server itself, or of something in front of it, before or after the request had its effect. */
  readonly answer?: { readonly status: number; readonly effect: boolean; readonly retryAfterSeconds?: number };
  /** The sender's process dies at this moment. */
  readonly crash?: "before" | "after";
  /** A watch ends after this many events, with or without a 410, or starts with 410. */
  readonly watch?:
    | { readonly cutAfter: number; readonly expires?: true }
    | { readonly expired: true }
    | { readonly lagMs: number };
  readonly on: (message: MessageFacts) => boolean;
};

export type MessageFacts = {
  readonly to: "kube" | "cloud";
  readonly method: string;
  /** The server sends events for as long as it likes. */
  readonly isWatch: boolean;
  /** Names what it asks for, so that a second one is something else to the server. */
  readonly mayRepeat: boolean;
};

const any = (): boolean => true;
const change = ({ method }: MessageFacts): boolean => method !== "GET";
const toKube = ({ to }: MessageFacts): boolean => to === "kube";
const toCloud = ({ to }: MessageFacts): boolean => to === "cloud";
const watch = ({ isWatch }: MessageFacts): boolean => isWatch;
const noWatch = ({ isWatch }: MessageFacts): boolean => !isWatch;

export const MESSAGE_FAULTS: readonly MessageFault[] = [
  { name: "request lost", request: "lost", on: any },
  { name: "request lost silently", request: "lost", silent: true, on: any },
  { name: "reply lost", reply: "lost", on: change },
  { name: "reply lost silently", reply: "lost", silent: true, on: change },
  { name: "request late", request: "late", on: change },
  { name: "request twice", request: "twice", on: (message) => change(message) && message.mayRepeat },
  { name: "reply cut", reply: "cut", on: noWatch },
  { name: "reply slow", reply: "slow", on: noWatch },
  { name: "reply trickles", reply: "trickles", on: noWatch },
  { name: "crash before", crash: "before", on: noWatch },
  { name: "crash after", crash: "after", on: change },
  {
    name: "crash, request late",
    crash: "before",
    request: "late",
    on: change,
  },

  {
    name: "API server 409",
    answer: { status: 409, effect: false },
    on: ({ to, method }) => to === "kube" && (method === "PATCH" || method === "PUT"),
  },
  { name: "API server 429", answer: { status: 429, effect: false, retryAfterSeconds: 2 }, on: toKube },
  { name: "API server 500", answer: { status: 500, effect: false }, on: toKube },
  {
    name: "API server 500 after the effect",
    answer: { status: 500, effect: true },
    on: (message) => toKube(message) && change(message),
  },
  { name: "API server 503", answer: { status: 503, effect: false }, on: toKube },
  { name: "watch cut", watch: { cutAfter: 2 }, on: watch },
  { name: "watch expires", watch: { cutAfter: 3, expires: true }, on: watch },
  { name: "watch expired", watch: { expired: true }, on: watch },
  { name: "watch lags", watch: { lagMs: 12_000 }, on: watch },

  { name: "cloud 429", answer: { status: 429, effect: false, retryAfterSeconds: 3 }, on: toCloud },
  { name: "cloud 500", answer: { status: 500, effect: false }, on: toCloud },
  { name: "cloud 503", answer: { status: 503, effect: false }, on: toCloud },
  {
    name: "cloud 504 after the effect",
    answer: { status: 504, effect: true },
    on: (message) => toCloud(message) && change(message),
  },
  { name: "cloud 401", answer: { status: 401, effect: false }, on: toCloud },
];

/** Those that can befall the message, each with its probability in this world. */
export function faultsFor(message: MessageFacts, rates: ReadonlyMap<string, number>): Option<MessageFault>[] {
  return MESSAGE_FAULTS.filter(({ name, on }) => (rates.get(name) ?? 0) > 0 && on(message)).map((fault) => ({
    name: fault.name,
    // There are few watches, and each lives long.
    probability: (rates.get(fault.name) ?? 0) * (message.isWatch ? 5 : 1),
    value: fault,
  }));
}
