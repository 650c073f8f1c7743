/** For tests: as much of an API server as a joining kubelet needs, in memory, that only lets in whom it should. */
import { ConnectionError, type ClusterAccess, type Connect } from "./handler.ts";

export type StoredObject = Record<string, unknown> & { metadata: Record<string, unknown> };

export type SimulatedCluster = {
  connect: Connect;
  /** By path. */
  objects: Map<string, StoredObject>;
  /** `METHOD path` of every request. */
  requests: string[];
  /** Bootstrap tokens that are let in. */
  tokens: Set<string>;
  /** How certificate requests are decided. */
  decide: "approve" | "deny";
  /** Whether requests for serving certificates are decided at all. */
  approvesServing: boolean;
  isReachable: boolean;
};

export const SERVER = "https://cluster.example:6443";
export const CA_PEM = "-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n";
const CERTIFICATE_PEM = "-----BEGIN CERTIFICATE-----\nbm9kZQ==\n-----END CERTIFICATE-----\n";

export function createSimulatedCluster(): SimulatedCluster {
  const cluster: SimulatedCluster = {
    objects: new Map(),
    requests: [],
    tokens: new Set(["abcdef.0123456789abcdef"]),
    decide: "approve",
    approvesServing: true,
    isReachable: true,
    connect: (access) => (request) => answer(access, request),
  };
  const { objects } = cluster;

  const answer = async (access: ClusterAccess, request: Request): Promise<Response> => {
    if (!cluster.isReachable) throw new ConnectionError("Unreachable", "ECONNREFUSED");
    if (access.caCertificatePem !== CA_PEM)
      throw new ConnectionError("UntrustedCertificate", "SELF_SIGNED_CERT_IN_CHAIN");
    const { pathname: path, searchParams: query } = new URL(request.url);
    const { method } = request;
    cluster.requests.push(`${method} ${path}`);
    const token = request.headers.get("authorization")?.replace("Bearer ", "");
    const isNode = access.clientCertificatePem?.startsWith(CERTIFICATE_PEM) === true;
    const mayBootstrap = path.includes("certificatesigningrequests") && cluster.tokens.has(token ?? "");
    if (!isNode && !mayBootstrap) return status(401, "Unauthorized");
    const text = await request.text();
    const body = (text === "" ? {} : JSON.parse(text)) as StoredObject;
    if (method === "POST") return create(path, body);
    if (path === "/api/v1/pods") return Response.json({ items: podsOf(query.get("fieldSelector")) });
    const target = path.replace(/\/status$/, "");
    const stored = objects.get(target);
    if (stored === undefined) return status(404, "not found");
    if (method === "DELETE") objects.delete(target);
    if (method === "PUT") objects.set(target, body);
    if (method === "PATCH") Object.assign(stored, body, { metadata: { ...stored.metadata, ...body.metadata } });
    return Response.json(objects.get(target) ?? {});
  };

  const create = (path: string, body: StoredObject): Response => {
    const at = `${path}/${String(body.metadata["name"])}`;
    if (objects.has(at)) return status(409, "already exists");
    const isRequest = path.includes("certificatesigningrequests");
    objects.set(at, {
      ...body,
      metadata: { ...body.metadata, uid: `uid-${objects.size}` },
      ...(isRequest && { status: decisionOn((body["spec"] as { signerName: string }).signerName) }),
    });
    return Response.json(objects.get(at), { status: 201 });
  };

  const decisionOn = (signerName: string): object => {
    if (signerName.endsWith("kubelet-serving") && !cluster.approvesServing) return {};
    return cluster.decide === "approve"
      ? { certificate: Buffer.from(CERTIFICATE_PEM).toString("base64") }
      : { conditions: [{ type: "Denied", message: "no such machine" }] };
  };
  const podsOf = (selector: string | null): StoredObject[] =>
    [...objects].flatMap(([path, object]) => {
      const { nodeName } = (object["spec"] ?? {}) as { nodeName?: string };
      return path.includes("/pods/") && selector === `spec.nodeName=${nodeName}` ? [object] : [];
    });

  return cluster;
}

function status(code: number, message: string): Response {
  return Response.json({ kind: "Status", code, message }, { status: code });
}

/** User data of a machine that joins; each part can be left out or changed. */
export function joiningUserData(
  changes: { token?: string; ca?: string; unit?: string; runcmd?: string; setup?: string; config?: string } = {},
): string {
  const {
    token = "abcdef.0123456789abcdef",
    ca = CA_PEM,
    runcmd = "[systemctl, enable, --now, setup.service]",
  } = changes;
  const setup =
    changes.setup ?? '#!/bin/bash\nKUBE_VERSION="${KUBE_VERSION:-v1.33.4}"\nsystemctl enable --now kubelet.service\n';
  const unit =
    changes.unit ??
    [
      "[Service]",
      "ExecStart=/opt/bin/kubelet \\",
      "  --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \\",
      "  --kubeconfig=/var/lib/kubelet/kubeconfig \\",
      "  --hostname-override=${KUBELET_HOSTNAME} \\",
      "  --node-ip ${KUBELET_NODE_IP} \\",
      "  --config=/etc/kubernetes/kubelet.conf $EXTRA",
    ].join("\n");
  const kubeconfig = {
    "current-context": "c",
    clusters: [
      { name: "c", cluster: { server: SERVER, "certificate-authority-data": Buffer.from(ca).toString("base64") } },
    ],
    contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
    users: [{ name: "c", user: { token } }],
  };
  const extra =
    '[Service]\nEnvironment="EXTRA=--provider-id=cloud://7 --node-labels=a=b --register-with-taints=t=v:NoSchedule"\n';
  const file = (path: string, content: string, mode = "0644"): object => ({ path, content, permissions: mode });
  const files = [
    file("/etc/kubernetes/bootstrap-kubelet.conf", JSON.stringify(kubeconfig), "0600"),
    file("/etc/kubernetes/kubelet.conf", `kind: KubeletConfiguration\n${changes.config ?? ""}`),
    file("/etc/systemd/system/kubelet.service", unit),
    file("/etc/systemd/system/kubelet.service.d/extra.conf", extra),
    file("/etc/systemd/system/setup.service", "[Service]\nExecStart=/opt/bin/setup\n"),
    file("/opt/bin/setup", setup, "0755"),
  ];
  return `#cloud-config\nhostname: node-1\nwrite_files: ${JSON.stringify(files)}\nruncmd:\n- ${runcmd}\n`;
}
