/** The part of a kubeconfig a kubelet needs, read from the machine's disk. */
import { parse, stringify } from "yaml";
import type { Disk } from "./disk.ts";
import type { ClusterAccess } from "./handler.ts";

export type Kubeconfig = { cluster: ClusterAccess; token?: string };

export class KubeconfigError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "KubeconfigError";
  }
}

/** The current context of the kubeconfig at `path`. @throws KubeconfigError naming the path and what is wrong. */
export function readKubeconfig(disk: Disk, path: string): Kubeconfig {
  const content = disk.read(path);
  if (content === undefined) throw new KubeconfigError(`${path}: no such file or directory`);
  let document: Record<string, unknown> | null;
  try {
    document = parse(content) as Record<string, unknown> | null;
  } catch (error) {
    throw new KubeconfigError(`${path}: not YAML`, { cause: error });
  }
  const named = (list: string, key: string, name: unknown): Record<string, unknown> => {
    const entries = document?.[list];
    const found: unknown = Array.isArray(entries) ? entries.find((entry) => entry?.name === name)?.[key] : undefined;
    if (isRecord(found)) return found;
    throw new KubeconfigError(`${path}: ${list} has no entry ${JSON.stringify(name)}`);
  };
  const context = named("contexts", "context", document?.["current-context"]);
  const cluster = named("clusters", "cluster", context["cluster"]);
  const user = named("users", "user", context["user"]);
  const server = cluster["server"];
  if (typeof server !== "string" || !URL.canParse(server)) throw new KubeconfigError(`${path}: cluster has no server`);
  const ca = material(disk, cluster, "certificate-authority");
  const certificate = material(disk, user, "client-certificate");
  const key = material(disk, user, "client-key");
  const token = typeof user["token"] === "string" ? user["token"] : disk.read(String(user["tokenFile"]))?.trim();
  return {
    cluster: {
      server: server.replace(/\/+$/, ""),
      ...(ca !== undefined && { caCertificatePem: ca }),
      ...(certificate !== undefined && { clientCertificatePem: certificate }),
      ...(key !== undefined && { clientKeyPem: key }),
    },
    ...(token !== undefined && { token }),
  };
}

/** What a kubelet writes after its bootstrap: the same cluster, its certificate and key from `pemPath`. */
export function formatKubeconfig(cluster: ClusterAccess, pemPath: string): string {
  const { server, caCertificatePem } = cluster;
  const authority = caCertificatePem && Buffer.from(caCertificatePem).toString("base64");
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "default-cluster", cluster: { server, "certificate-authority-data": authority } }],
    contexts: [{ name: "default-context", context: { cluster: "default-cluster", user: "default-auth" } }],
    "current-context": "default-context",
    users: [{ name: "default-auth", user: { "client-certificate": pemPath, "client-key": pemPath } }],
  });
}

function material(disk: Disk, entry: Record<string, unknown>, key: string): string | undefined {
  const data = entry[`${key}-data`];
  if (typeof data === "string") return Buffer.from(data, "base64").toString();
  return typeof entry[key] === "string" ? disk.read(entry[key]) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
