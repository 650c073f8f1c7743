/** ServiceAccount tokens: JWTs signed with a key of the database, bound to the account's UID. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import type { JsonWebKey, KeyObject } from "node:crypto";
import type { Clock } from "../clock.ts";
import { arrayAt, isJsonObject, objectAt, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { randomUuid } from "../random.ts";
import type { Random } from "../random.ts";
import type { Storage } from "../storage/storage.ts";
import { API_AUDIENCE } from "./authenticate.ts";
import type { TokenSource } from "./authenticate.ts";
import { AUTHENTICATED } from "./user.ts";
import type { User } from "./user.ts";

export const ISSUER = API_AUDIENCE;
const KEY_SETTING = "service-account-key";

export type TokenOptions = {
  account: KubeObject;
  audiences: readonly string[];
  lifetimeSeconds: number;
  /** The token ends with the first; what else it tells of comes after. */
  bound: readonly BoundObject[];
};

export type BoundObject = { kind: keyof typeof BOUND_RESOURCES; name: string; uid: string };

/** Kind that a token can be bound to → where its objects are kept. */
export const BOUND_RESOURCES = { Pod: "pods", Secret: "secrets", Node: "nodes" };

export type ServiceAccountTokens = {
  /** The token, and when it expires in milliseconds. */
  issue(options: TokenOptions): { token: string; expiresAt: number };
  source: TokenSource;
  /** Those that a token of ours names, whatever else may be wrong with it. */
  audiencesOf(token: string): string[] | undefined;
  /** The public keys, as a JWKS document. */
  keySet(): { keys: JsonWebKey[] };
};

export function createServiceAccountTokens(options: {
  storage: Storage;
  clock: Clock;
  random: Random;
}): ServiceAccountTokens {
  const { storage, clock, random } = options;
  let cached: KeyObject | undefined;
  const privateKey = (): KeyObject => (cached ??= readKey(storage));

  return {
    issue({ account, audiences, lifetimeSeconds, bound }) {
      const now = Math.floor(clock.now() / 1000);
      const { name, namespace = "", uid } = account.metadata;
      const claims = {
        aud: audiences.length === 0 ? [ISSUER] : audiences,
        exp: now + lifetimeSeconds,
        iat: now,
        iss: ISSUER,
        jti: randomUuid(random),
        "kubernetes.io": {
          namespace,
          ...Object.fromEntries(
            bound.map((object) => [object.kind.toLowerCase(), { name: object.name, uid: object.uid }]),
          ),
          serviceaccount: { name, uid },
        },
        nbf: now,
        sub: `system:serviceaccount:${namespace}:${name}`,
      };
      const input = `${encode({ alg: "ES256", kid: KEY_SETTING })}.${encode(claims)}`;
      const signature = sign("sha256", Buffer.from(input), { key: privateKey(), dsaEncoding: "ieee-p1363" });
      return { token: `${input}.${signature.toString("base64url")}`, expiresAt: claims.exp * 1000 };
    },
    source(token, audiences) {
      const claims = readClaims(token, privateKey);
      const now = clock.now() / 1000;
      if (claims === undefined || claims["iss"] !== ISSUER || !(Number(claims["exp"]) > now)) return undefined;
      const asked = audiences.filter((audience) => arrayAt(claims, "aud").includes(audience));
      if (!(Number(claims["nbf"] ?? 0) <= now) || asked.length === 0) return undefined;
      const user = accountUser(storage, claims);
      return user === undefined ? undefined : { user, audiences: asked };
    },
    audiencesOf(token) {
      const claims = readClaims(token, privateKey);
      return claims && arrayAt(claims, "aud").map(String);
    },
    keySet: () => ({
      keys: [
        { ...createPublicKey(privateKey()).export({ format: "jwk" }), use: "sig", alg: "ES256", kid: KEY_SETTING },
      ],
    }),
  };
}

function accountUser(storage: Storage, claims: JsonObject): User | undefined {
  const bound = objectAt(claims, "kubernetes.io");
  const namespace = stringAt(bound, "namespace");
  const { name, uid } = objectAt(bound, "serviceaccount");
  const stored = storage.get({ resource: "serviceaccounts", namespace, name: String(name) });
  if (stored === undefined) return undefined;
  const account = JSON.parse(stored.json) as KubeObject;
  if (account.metadata.uid !== uid || account.metadata.deletionTimestamp !== undefined) return undefined;
  if (!boundObjectsStand(storage, bound)) return undefined;
  return {
    name: `system:serviceaccount:${namespace}:${account.metadata.name}`,
    uid: account.metadata.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, AUTHENTICATED],
    extra: {
      [`${EXTRA}credential-id`]: [`JTI=${stringAt(claims, "jti")}`],
      ...Object.fromEntries(
        ["node", "pod"].flatMap((kind) =>
          Object.entries(objectAt(bound, kind)).map(([field, value]) => [`${EXTRA}${kind}-${field}`, [String(value)]]),
        ),
      ),
    },
  };
}

const EXTRA = "authentication.kubernetes.io/";

/** A node that a pod's token tells of may go before the pod does. */
function boundObjectsStand(storage: Storage, claims: JsonObject): boolean {
  return Object.entries(BOUND_RESOURCES).every(([kind, resource]) => {
    const claim = claims[kind.toLowerCase()];
    if (!isJsonObject(claim) || (kind === "Node" && "pod" in claims)) return true;
    const namespace = kind === "Node" ? "" : stringAt(claims, "namespace");
    const stored = storage.get({ resource, namespace, name: stringAt(claim, "name") });
    return stored !== undefined && (JSON.parse(stored.json) as KubeObject).metadata.uid === claim["uid"];
  });
}

function readKey(storage: Storage): KeyObject {
  const pem = storage.setting(KEY_SETTING);
  if (pem !== undefined) return createPrivateKey(pem);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  storage.setSetting(KEY_SETTING, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  return privateKey;
}

/** `undefined` for text that is no token of ours. */
function readClaims(token: string, privateKey: () => KeyObject): JsonObject | undefined {
  const [header, payload, signature, ...rest] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return undefined;
  try {
    if (decode(header)?.["alg"] !== "ES256") return undefined;
    const key = { key: createPublicKey(privateKey()), dsaEncoding: "ieee-p1363" as const };
    const isOurs = verify("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"));
    return isOurs ? decode(payload) : undefined;
  } catch {
    return undefined;
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decode(part: string): JsonObject | undefined {
  const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  return isJsonObject(value) ? value : undefined;
}
