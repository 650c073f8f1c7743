// The cluster and user of a kubeconfig, as the official client reads them, kept fresh.
import type { KubeConfig } from "@kubernetes/client-node";
import type { RequestOptions } from "node:https";
import type { Clock } from "./clock.ts";
import type { TlsOptions } from "./http-transport.ts";
import { KubeError } from "./kube-error.ts";

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

type Loaded = {
  config: KubeConfig;
  server: string;
  proxyUrl: string | undefined;
  isStatic: boolean;
  /** What a static one comes to; its files are read again with it. */
  applied?: ReturnType<typeof apply>;
};

/** How old what a kubeconfig says, or a file that it names, may get before it is read again. */
const REREAD_MS = 60_000;
/** Between two renewals for refused credentials. */
const RENEW_PAUSE_MS = 10_000;
const TLS_FIELDS = ["ca", "cert", "key", "pfx", "passphrase", "rejectUnauthorized", "servername"] as const;

export async function loadCredentials(options: CredentialsOptions): Promise<Credentials> {
  const { clock } = options;
  // Heavy, and of no use to who speaks to an API server in process.
  const { KubeConfig } = await import("@kubernetes/client-node");
  let loaded = load(new KubeConfig(), options);
  let readAt = clock.now();

  function reread(): void {
    readAt = clock.now();
    try {
      loaded = load(new KubeConfig(), options);
    } catch {
      // Half written, or gone: what was read before may still serve.
    }
  }

  return {
    server: loaded.server,
    proxyUrl: loaded.proxyUrl,
    async current() {
      if (!loaded.isStatic) return await apply(loaded.config);
      if (clock.now() - readAt >= REREAD_MS) reread();
      return await (loaded.applied ??= apply(loaded.config));
    },
    renew() {
      if (clock.now() - readAt < RENEW_PAUSE_MS) return false;
      reread();
      return true;
    },
  };
}

function load(config: KubeConfig, { kubeconfig, master, context }: CredentialsOptions): Loaded {
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    // A parser's message quotes the file; the file system's does not.
    const cause = error instanceof Error && "syscall" in error ? error : undefined;
    throw new KubeError("InvalidKubeconfig", `the kubeconfig ${kubeconfig ?? ""} cannot be read`, { cause });
  }
  if (context !== undefined) config.setCurrentContext(context);
  const found = config.getCurrentCluster();
  const isGuess = config.getCurrentContext() === "loaded-context";
  if (found === null || (isGuess && master === undefined)) throw notFound(config, context);
  const server = master ?? found.server;
  const user = config.getCurrentUser() ?? { name: "anonymous" };
  const exec = execOf(user.exec, server);
  // The official client refuses http unless TLS checks are off, and would make an agent for the proxy on each call.
  const { proxyUrl, ...cluster } = {
    ...found,
    server,
    skipTLSVerify: found.skipTLSVerify || server.startsWith("http:"),
  };
  config.loadFromClusterAndUser(cluster, { ...user, ...(exec !== undefined && { exec }) });
  return { config, server, proxyUrl: proxyUrl || undefined, isStatic: !user.exec && !user.authProvider };
}

async function apply(config: KubeConfig): Promise<{ headers: Record<string, string>; tls: TlsOptions }> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    // What an exec plugin wrote may hold a token, and its exit says enough.
    const cause = error instanceof Error && "syscall" in error ? error : undefined;
    const user = config.getCurrentUser()?.name ?? "";
    throw new KubeError("Unauthorized", `the credentials of user ${user} cannot be had from their source`, { cause });
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value);
  if (options.auth) headers["authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
  const given = Object.entries(options).filter(
    ([name, value]) => TLS_FIELDS.some((field) => field === name) && value !== undefined && value !== null,
  );
  return { headers, tls: Object.fromEntries(given) };
}

/** Exec plugins are promised KUBERNETES_EXEC_INFO (client.authentication.k8s.io); the official client leaves it out. */
function execOf(exec: unknown, server: string): unknown {
  if (typeof exec !== "object" || exec === null) return undefined;
  const { apiVersion, env, provideClusterInfo } = exec as Record<string, unknown>;
  const spec = { interactive: false, ...(provideClusterInfo === true && { cluster: { server } }) };
  const info = { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify({ apiVersion, kind: "ExecCredential", spec }) };
  return { ...exec, env: [...(Array.isArray(env) ? (env as unknown[]) : []), info] };
}

function notFound(config: KubeConfig, context: string | undefined): KubeError {
  const contexts = config.getContexts().map(({ name }) => name);
  if (context !== undefined) {
    return new KubeError("InvalidKubeconfig", `no context ${context}; there are: ${contexts.join(", ") || "none"}`);
  }
  return new KubeError(
    "InvalidKubeconfig",
    "no cluster to talk to: give a kubeconfig, set KUBECONFIG, or run in a Pod",
  );
}
