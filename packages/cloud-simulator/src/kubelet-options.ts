/** What a kubelet was told: its flags, its configuration file, and which version was installed. */
import { parse } from "yaml";
import type { Disk } from "./disk.ts";

export type Taint = { key: string; value?: string; effect: string };

export type KubeletOptions = {
  version: string;
  nodeName: string;
  bootstrapKubeconfig: string;
  kubeconfig: string;
  certDir: string;
  providerId?: string;
  nodeIp?: string;
  isCloudProviderExternal: boolean;
  labels: Record<string, string>;
  taints: Taint[];
  maxPods: number;
  /** Its serving certificate comes from the API server instead of being self-signed. */
  serverTlsBootstrap: boolean;
};

/** The kubelet would exit at once, or run without a cluster. */
export class KubeletOptionsError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "KubeletOptionsError";
  }
}

/** Flags that existed once, and the first minor version whose kubelet refuses to start with them. */
const REMOVED_FLAGS: Record<string, number> = {
  "dynamic-config-dir": 24,
  "network-plugin": 24,
  "container-runtime": 27,
  "keep-terminated-pod-volumes": 31,
  "cloud-config": 34,
  "pod-infra-container-image": 35,
};

export type KubeletOptionsInput = {
  commandLine: readonly string[];
  ranScripts: readonly string[];
  hostname: string;
  disk: Disk;
};

/** @throws KubeletOptionsError */
export function parseKubeletOptions({ commandLine, ranScripts, hostname, disk }: KubeletOptionsInput): KubeletOptions {
  const version = installedVersion(ranScripts);
  if (version === undefined) throw new KubeletOptionsError("kubelet: command not found (no script installed one)");
  const flags = parseFlags(commandLine.slice(1));
  for (const [flag, minor] of Object.entries(REMOVED_FLAGS)) {
    const isRemoved = Number(version.split(".")[1]) >= minor;
    if (flags.has(flag) && isRemoved) throw new KubeletOptionsError(`unknown flag: --${flag}`);
  }
  const bootstrapKubeconfig = flags.get("bootstrap-kubeconfig");
  const kubeconfig = flags.get("kubeconfig");
  if (kubeconfig === undefined) throw new KubeletOptionsError("no --kubeconfig given: running without a cluster");
  if (bootstrapKubeconfig === undefined && disk.read(kubeconfig) === undefined) {
    throw new KubeletOptionsError(`no --bootstrap-kubeconfig given and ${kubeconfig} does not exist`);
  }
  const config = readConfiguration(flags.get("config"), disk);
  const providerId = flags.get("provider-id") ?? text(config["providerID"]);
  const nodeIp = flags.get("node-ip")?.split(",")[0];
  return {
    version,
    nodeName: (flags.get("hostname-override") || hostname).toLowerCase(),
    bootstrapKubeconfig: bootstrapKubeconfig ?? "",
    kubeconfig,
    certDir: flags.get("cert-dir") ?? "/var/lib/kubelet/pki",
    ...(providerId !== undefined && providerId !== "" && { providerId }),
    ...(nodeIp !== undefined && nodeIp !== "" && { nodeIp }),
    isCloudProviderExternal: flags.get("cloud-provider") === "external",
    labels: Object.fromEntries(split(flags.get("node-labels")).map((pair) => cut(pair, "="))),
    taints: split(flags.get("register-with-taints")).map(parseTaint),
    maxPods: typeof config["maxPods"] === "number" ? config["maxPods"] : 110,
    serverTlsBootstrap: config["serverTLSBootstrap"] === true,
  };
}

/** The version is what the scripts that ran assign or download. */
function installedVersion(scripts: readonly string[]): string | undefined {
  for (const pattern of [
    /\bKUBE_VERSION="?\$\{KUBE_VERSION:-(v\d+\.\d+\.\d+[^}"\s]*)\}/,
    /\bKUBE_VERSION=["']?(v\d+\.\d+\.\d+[^"'\s;]*)/,
    /https:\/\/dl\.k8s\.io\/(?:release\/)?(v\d+\.\d+\.\d+[^/"'\s]*)\//,
  ]) {
    for (const script of scripts) {
      const version = pattern.exec(script)?.[1];
      if (version !== undefined) return version;
    }
  }
  return undefined;
}

function parseFlags(args: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (!arg.startsWith("--")) continue;
    const [name, value] = cut(arg.slice(2), "=");
    const next = args[at + 1];
    if (arg.includes("=")) flags.set(name, value);
    else if (next !== undefined && !next.startsWith("--")) flags.set(name, args[(at += 1)] ?? "");
    else flags.set(name, "true");
  }
  return flags;
}

function readConfiguration(path: string | undefined, disk: Disk): Record<string, unknown> {
  if (path === undefined) return {};
  const content = disk.read(path);
  if (content === undefined) throw new KubeletOptionsError(`failed to load kubelet config file ${path}: no such file`);
  let config: unknown;
  try {
    config = parse(content);
  } catch (error) {
    throw new KubeletOptionsError(`failed to load kubelet config file ${path}: not YAML`, { cause: error });
  }
  const document = (config ?? {}) as Record<string, unknown>;
  if (document["kind"] !== "KubeletConfiguration") {
    throw new KubeletOptionsError(`failed to load kubelet config file ${path}: kind is not KubeletConfiguration`);
  }
  return document;
}

function parseTaint(text: string): Taint {
  const [spec, effect] = cut(text, ":");
  const [key, value] = cut(spec, "=");
  if (effect === "") throw new KubeletOptionsError(`--register-with-taints: invalid taint ${JSON.stringify(text)}`);
  return { key, ...(value !== "" && { value }), effect };
}

function split(list: string | undefined): string[] {
  return (list ?? "").split(",").filter((item) => item !== "");
}

function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
