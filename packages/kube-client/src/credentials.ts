// The cluster and user of a kubeconfig, kept fresh. Exec and auth-provider plugins are run by the official client.
import type { KubeConfig } from "@kubernetes/client-node";
import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import type { Clock } from "./clock.ts";
import type { TlsOptions } from "./http-transport.ts";
import { KubeError } from "./kube-error.ts";
import { type Access, readAccess, type User } from "./kubeconfig-file.ts";

export type CredentialsOptions = {
  /** A path; undefined: `KUBECONFIG`, then `~/.kube/config`, then the Pod's service account. */
  kubeconfig?: string | undefined;
  /** Replaces the server's URL. */
  master?: string | undefined;
  context?: string | undefined;
  clock: Clock;
};

export type Credentials = {
  readonly server: string;
  readonly proxyUrl: string | undefined;
  /** What to send now: rotated token files and expired exec credentials are renewed. */
  current(): Promise<{ headers: Record<string, string>; tls: TlsOptions }>;
  /** Reads everything again after the server refused it. False: that was done only just now. */
  renew(): boolean;
};

type Applied = Awaited<ReturnType<Credentials["current"]>>;

/** `apply`: of what is static, always the same; its files were read with it. */
type Loaded = Pick<Credentials, "server" | "proxyUrl"> & { isStatic: boolean; apply(): Applied | Promise<Applied> };

/** How old what a kubeconfig says, or a file that it names, may get before it is read again. */
const REREAD_MS = 60_000;
/** Between two renewals for refused credentials. */
const RENEW_PAUSE_MS = 10_000;
const TLS_FIELDS = ["ca", "cert", "key", "pfx", "passphrase", "rejectUnauthorized", "servername"] as const;

export function loadCredentials(options: CredentialsOptions): Credentials {
  const { clock } = options;
  let loaded = load(options);
  let readAt = clock.now();

  function reread(): void {
    readAt = clock.now();
    try {
      loaded = load(options);
    } catch {
      // Half written, or gone: what was read before may still serve.
    }
  }

  const { server, proxyUrl } = loaded;
  return {
    server,
    proxyUrl,
    async current() {
      if (loaded.isStatic && clock.now() - readAt >= REREAD_MS) reread();
      return await loaded.apply();
    },
    renew() {
      if (clock.now() - readAt < RENEW_PAUSE_MS) return false;
      reread();
      return true;
    },
  };
}

function load({ kubeconfig, master, context }: CredentialsOptions): Loaded {
  const found = readAccess({ path: kubeconfig, context });
  const server = master ?? found?.cluster.server.replace(/\/$/, "");
  if (server === undefined) {
    throw new KubeError(
      "InvalidKubeconfig",
      "no cluster to talk to: give a kubeconfig, set KUBECONFIG, or run in a Pod",
    );
  }
  const { user = {}, userName = "anonymous" } = found ?? {};
  const access = { cluster: { ...found?.cluster, server }, user, userName };
  const isStatic = !user.exec && !user["auth-provider"];
  const applied = isStatic ? applyStatic(access) : undefined;
  return {
    server,
    proxyUrl: access.cluster["proxy-url"] || undefined,
    isStatic,
    apply: applied ? () => applied : throughPlugin(access),
  };
}

function applyStatic({ cluster, user, userName }: Access): Applied {
  const { tokenFile, token: given, username, password = "", as: impersonated } = user;
  try {
    const token = tokenFile ? readFileSync(tokenFile, "utf8").trim() : given;
    const headers = {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(username && { authorization: basic(`${username}:${password}`) }),
      ...(impersonated && { "impersonate-user": impersonated }),
    };
    const tls = {
      ca: bytesOf(cluster, "certificate-authority"),
      cert: bytesOf(user, "client-certificate"),
      key: bytesOf(user, "client-key"),
      servername: cluster["tls-server-name"],
      rejectUnauthorized: cluster["insecure-skip-tls-verify"] ? false : undefined,
    };
    return { headers, tls: withoutEmpty(tls) };
  } catch (cause) {
    throw new KubeError("InvalidKubeconfig", `a file that cluster or user ${userName} names cannot be read`, { cause });
  }
}

/** Data beside a path counts, as for kubectl. */
function bytesOf<Name extends string>(
  entry: { [K in Name | `${Name}-data`]?: string },
  name: Name,
): Buffer | undefined {
  const [path, data] = [entry[name], entry[`${name}-data`]];
  return data ? Buffer.from(data, "base64") : path ? readFileSync(path) : undefined;
}

/** By the official client, which is heavy, and of no use to who has no plugin. */
function throughPlugin(access: Access): () => Promise<Applied> {
  let config: Promise<KubeConfig> | undefined;
  return async () => {
    const options: RequestOptions = {};
    try {
      await (await (config ??= officialConfig(access))).applyToHTTPSOptions(options);
    } catch (error) {
      // What an exec plugin wrote may hold a token, and its exit says enough.
      const cause = error instanceof Error && "syscall" in error ? error : undefined;
      const message = `the credentials of user ${access.userName} cannot be had from their source`;
      throw new KubeError("Unauthorized", message, { cause });
    }
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value);
    if (options.auth) headers["authorization"] = basic(options.auth);
    return { headers, tls: withoutEmpty(Object.fromEntries(TLS_FIELDS.map((field) => [field, options[field]]))) };
  };
}

async function officialConfig({ cluster, user, userName: name }: Access): Promise<KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  // It refuses http unless TLS checks are off, and would make an agent for the proxy on each call.
  const { "proxy-url": _proxyUrl, ...direct } = cluster;
  const reachable = { ...direct, ...(cluster.server.startsWith("http:") && { "insecure-skip-tls-verify": true }) };
  const config = new KubeConfig();
  const content = {
    clusters: [{ name, cluster: reachable }],
    users: [{ name, user: { ...user, exec: execOf(user, cluster.server) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
  config.loadFromString(JSON.stringify(content));
  return config;
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;

const withoutEmpty = (options: { [K in keyof TlsOptions]?: TlsOptions[K] | undefined | null }): TlsOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null));

/** Exec plugins are promised KUBERNETES_EXEC_INFO (client.authentication.k8s.io); the official client leaves it out. */
function execOf({ exec }: User, server: string): object | undefined {
  if (exec === undefined) return undefined;
  const { apiVersion, env, provideClusterInfo } = exec as Record<string, unknown>;
  const spec = { interactive: false, ...(provideClusterInfo === true && { cluster: { server } }) };
  const info = { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify({ apiVersion, kind: "ExecCredential", spec }) };
  return { ...exec, env: [...(Array.isArray(env) ? (env as unknown[]) : []), info] };
}
