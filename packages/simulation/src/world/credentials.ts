/** The cloud credential in its Secret, and what people do to it. */
import type { SimulatedCloud } from "../clouds/cloud.ts";
import { type Cluster, NAMESPACE } from "./cluster.ts";

export type Credentials = {
  /** Where manifests point to. */
  readonly reference: { namespace: string; name: string; key: string };
  /** The token that is valid, or was the last to be. */
  readonly current: string;
  /** Every token there was: none may show up anywhere. */
  readonly secrets: ReadonlySet<string>;
  create(): Promise<void>;
  /** A new token of the same account; the old one goes out of use. */
  rotate(): Promise<string>;
  /** The cloud takes the token no more, and nobody has told the Secret. */
  revoke(): Promise<string>;
  /** Somebody puts the token of another account into the Secret. */
  mistake(): Promise<string>;
  /** A valid token of the right account. */
  restore(): Promise<string>;
};

export const ACCOUNT = "account-1";
const OTHER = { token: "token-of-another-account-0", account: "account-2" };
const NAME = "cloud-credential";

export function createCredentials(cluster: Cluster, cloud: SimulatedCloud): Credentials {
  const secrets = new Set([OTHER.token]);
  let count = 0;
  let current = "";
  let isRight = true;
  const path = `/api/v1/namespaces/${NAMESPACE}/secrets`;
  const next = (): string => {
    count += 1;
    const token = `token-of-this-account-${count}`;
    secrets.add(token);
    current = token;
    isRight = true;
    cloud.accept([{ token, account: ACCOUNT }, OTHER]);
    return token;
  };
  const put = (token: string): Promise<unknown> =>
    cluster.request("PATCH", `${path}/${NAME}`, { data: { token: Buffer.from(token).toString("base64") } });
  const issue = async (): Promise<string> => {
    const token = next();
    await put(token);
    return token;
  };
  return {
    reference: { namespace: NAMESPACE, name: NAME, key: "token" },
    secrets,
    get current() {
      return current;
    },
    async create() {
      const metadata = { name: NAME, namespace: NAMESPACE };
      await cluster.request("POST", path, {
        apiVersion: "v1",
        kind: "Secret",
        metadata,
        stringData: { token: next() },
      });
    },
    rotate: async () => `to number ${(await issue(), count)}`,
    async revoke() {
      cloud.accept([OTHER]);
      isRight = false;
      return `number ${count}`;
    },
    async mistake() {
      await put(OTHER.token);
      isRight = false;
      return "account-2";
    },
    async restore() {
      if (isRight) return `number ${count} still is`;
      return `number ${(await issue(), count)}`;
    },
  };
}
