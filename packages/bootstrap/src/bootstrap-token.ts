/**
 * Bootstrap tokens, one a Machine: what its kubelet shows to ask for a certificate. The Secret's name follows from the
 * Machine's UID, so that a controller which crashed after creating it meets it again instead of leaving it behind.
 */
import { createHash } from "node:crypto";
import type { Machine } from "@machine-controller/api";
import { BOOTSTRAP_GROUP, LABEL_TOKEN_MACHINE } from "@machine-controller/api/well-known";
import { BootstrapError } from "./bootstrap-error.ts";

export const TOKEN_NAMESPACE = "kube-system";
export const TOKEN_LIFETIME_MS = 60 * 60_000;
/** A token that is still needed gets a new hour once it has less than this left. */
export const TOKEN_RENEWAL_MS = 30 * 60_000;

/** Values are base64, as the API server stores and returns them. */
export type SecretData = Readonly<Record<string, string>>;
export type BootstrapTokenSecret = {
  apiVersion: "v1";
  kind: "Secret";
  type: "bootstrap.kubernetes.io/token";
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  data: Record<string, string>;
};

/** Letters and digits which do not look alike and form no words. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const ID_LENGTH = 6;
const SECRET_LENGTH = 16;
/** So many random bytes that the remainder by 27^16 is even to one part in 2^100. */
export const TOKEN_SECRET_BYTES = 24;

/**
 * The public half of a Machine's token, 6 characters.
 * @param attempt 0 at first; the next one where the Secret of that name is another Machine's (`isTokenOf`).
 */
export function tokenIdFor(machineUid: string, attempt: number): string {
  return toAlphabet(createHash("sha256").update(`${machineUid}/${attempt}`).digest(), ID_LENGTH);
}

/**
 * The secret half of a token, 16 characters.
 * @param bytes at least `TOKEN_SECRET_BYTES` random ones.
 */
export function tokenSecretFrom(bytes: Uint8Array): string {
  if (bytes.length < TOKEN_SECRET_BYTES) {
    throw new RangeError(`a token secret takes ${TOKEN_SECRET_BYTES} random bytes, not ${bytes.length}`);
  }
  return toAlphabet(bytes, SECRET_LENGTH);
}

export function bootstrapTokenSecret(options: {
  machine: Machine;
  tokenId: string;
  tokenSecret: string;
  expiresAtMs: number;
}): BootstrapTokenSecret {
  const { machine, tokenId, tokenSecret, expiresAtMs } = options;
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "bootstrap.kubernetes.io/token",
    metadata: {
      name: bootstrapTokenName(tokenId),
      namespace: TOKEN_NAMESPACE,
      labels: { [LABEL_TOKEN_MACHINE]: machine.metadata.name ?? "" },
    },
    data: {
      description: encode(describe(machine)),
      "token-id": encode(tokenId),
      "token-secret": encode(tokenSecret),
      expiration: encode(toTimestamp(expiresAtMs)),
      // And not for signing: kube-controller-manager would add a signature to the ConfigMap kube-public/cluster-info for each,
      // which is full at a few thousand of them, and kubelets with a kubeconfig of their own read none.
      "usage-bootstrap-authentication": encode("true"),
      "auth-extra-groups": encode(BOOTSTRAP_GROUP),
    },
  };
}

export const bootstrapTokenName = (tokenId: string): string => `bootstrap-token-${tokenId}`;

/** Whether a Secret of this name was made for this very Machine, and not for one whose UID gives the same ID. */
export function isTokenOf(data: SecretData, machine: Machine): boolean {
  return decode(data, "description") === describe(machine);
}

/**
 * The token as a kubelet shows it.
 * @throws BootstrapError `InvalidTokenSecret`
 */
export function tokenOf(data: SecretData): string {
  const token = `${decode(data, "token-id")}.${decode(data, "token-secret")}`;
  if (!/^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(token)) {
    throw new BootstrapError(
      "InvalidTokenSecret",
      "the bootstrap token Secret has no valid token-id and token-secret; delete it, and it is made anew",
    );
  }
  return token;
}

/** What to patch into the Secret's `data` so that the token lasts; undefined while it still lasts long enough. */
export function tokenRenewal(data: SecretData, nowMs: number): { expiration: string } | undefined {
  const expiresAtMs = Date.parse(decode(data, "expiration"));
  if (expiresAtMs - nowMs >= TOKEN_RENEWAL_MS) return undefined;
  return { expiration: encode(toTimestamp(nowMs + TOKEN_LIFETIME_MS)) };
}

function describe({ metadata }: Machine): string {
  return `bootstrap token for Machine ${metadata.namespace}/${metadata.name} (${metadata.uid})`;
}

function toTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

function toAlphabet(bytes: Uint8Array, length: number): string {
  const base = BigInt(ALPHABET.length);
  let number = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  while (text.length < length) {
    text += ALPHABET[Number(number % base)];
    number /= base;
  }
  return text;
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}

function decode(data: SecretData, key: string): string {
  return Buffer.from(data[key] ?? "", "base64").toString();
}
