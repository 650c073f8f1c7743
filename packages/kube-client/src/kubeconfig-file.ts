/**
 * The cluster and the user that a kubeconfig names, or the Pod that this runs in. As kubectl reads it: of several files in
 * `KUBECONFIG` the first one to name something counts, and paths are relative to the file they stand in.
 */
import { existsSync, readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { KubeError } from "./kube-error.ts";

/** In the words of the file. */
export type Cluster = {
  server: string;
  "certificate-authority"?: string;
  "certificate-authority-data"?: string;
  "insecure-skip-tls-verify"?: boolean;
  "tls-server-name"?: string;
  "proxy-url"?: string;
};

export type User = {
  token?: string;
  tokenFile?: string;
  "client-certificate"?: string;
  "client-certificate-data"?: string;
  "client-key"?: string;
  "client-key-data"?: string;
  username?: string;
  password?: string;
  /** Whom to impersonate. */
  as?: string;
  exec?: object;
  "auth-provider"?: object;
};

export type Access = { cluster: Cluster; user: User; userName: string };

export type KubeconfigSource = {
  /** undefined: `KUBECONFIG`, then `~/.kube/config`, then the Pod. */
  path?: string | undefined;
  /** undefined: the current one. */
  context?: string | undefined;
  environment?: Readonly<Record<string, string | undefined>>;
  /** Where a Pod finds its service account. */
  podFolder?: string;
};

type Environment = NonNullable<KubeconfigSource["environment"]>;
type Named<Key extends string, T> = { name: string } & Partial<Record<Key, T>>;
type Kubeconfig = {
  clusters: Named<"cluster", Cluster>[];
  users: Named<"user", User>[];
  contexts: Named<"context", { cluster?: string; user?: string }>[];
  currentContext: string | undefined;
};

const POD_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";
const PATHS = ["certificate-authority", "client-certificate", "client-key", "tokenFile"] as const;

/**
 * undefined: there is neither a file nor a Pod.
 * @throws KubeError InvalidKubeconfig, which quotes no file.
 */
export function readAccess({
  path,
  context,
  environment = process.env,
  podFolder = POD_FOLDER,
}: KubeconfigSource): Access | undefined {
  const files = path === undefined ? defaultFiles(environment) : [path];
  if (files.length === 0) return accessOfPod(environment, podFolder);
  const config = merged(files.map(readFile));
  const name = context ?? config.currentContext;
  const chosen = config.contexts.find((entry) => entry.name === name)?.context;
  if (chosen === undefined && context !== undefined) {
    const names = config.contexts.map((entry) => entry.name).join(", ");
    throw new KubeError("InvalidKubeconfig", `no context ${context}; there are: ${names || "none"}`);
  }
  const cluster = config.clusters.find((entry) => entry.name === chosen?.cluster)?.cluster;
  if (typeof cluster?.server !== "string") return undefined;
  const user = config.users.find((entry) => entry.name === chosen?.user)?.user;
  return { cluster, user: user ?? {}, userName: chosen?.user ?? "anonymous" };
}

function defaultFiles({ KUBECONFIG = "", HOME = homedir() }: Environment): string[] {
  const named = KUBECONFIG.split(delimiter).filter((file) => file !== "");
  return named.length > 0 ? named : [join(HOME, ".kube/config")].filter((file) => existsSync(file));
}

function readFile(file: string): Kubeconfig {
  try {
    const content = (parse(readFileSync(file, "utf8")) ?? {}) as Partial<Kubeconfig> & { "current-context"?: string };
    // kubectl writes null where there are none.
    const clusters = content.clusters ?? [];
    const users = content.users ?? [];
    const contexts = content.contexts ?? [];
    const entries = [...clusters.map(({ cluster }) => cluster), ...users.map(({ user }) => user)];
    for (const entry of entries as (Cluster & User)[]) {
      for (const name of PATHS) if (entry?.[name]) entry[name] = resolve(dirname(file), entry[name]);
    }
    return { clusters, users, contexts, currentContext: content["current-context"] };
  } catch (error) {
    // A parser's message quotes the file; the file system's does not.
    const cause = error instanceof Error && "syscall" in error ? error : undefined;
    throw new KubeError("InvalidKubeconfig", `the kubeconfig ${file} cannot be read`, { cause });
  }
}

const merged = (configs: readonly Kubeconfig[]): Kubeconfig => ({
  clusters: configs.flatMap(({ clusters }) => clusters),
  users: configs.flatMap(({ users }) => users),
  contexts: configs.flatMap(({ contexts }) => contexts),
  currentContext: configs.find(({ currentContext }) => currentContext)?.currentContext,
});

function accessOfPod(environment: Environment, folder: string): Access | undefined {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "443" } = environment;
  const tokenFile = join(folder, "token");
  if (host === "" || !existsSync(tokenFile)) return undefined;
  return {
    cluster: {
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      "certificate-authority": join(folder, "ca.crt"),
    },
    user: { tokenFile },
    userName: "the Pod's service account",
  };
}
