/** Approves kubelet client certificates that bootstrap groups may ask for, and signs what is approved. */
import { arrayAt, isEqual, isJsonObject, objectAt, stringAt, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Authorizer } from "../security/authorize.ts";
import type { CertificateAuthority } from "../security/certificate-authority.ts";
import { parseCertificateRequest } from "../security/certificate-request.ts";
import type { ParsedRequest } from "../security/certificate-request.ts";
import type { Server } from "../server.ts";
import { builtIn, changeStored, read } from "../system-request.ts";
import type { Controller } from "./controller.ts";

const CLIENT = "kubernetes.io/kube-apiserver-client";
const KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet";
const KUBELET_SERVING = "kubernetes.io/kubelet-serving";
const GROUP = "certificates.k8s.io";
const DEFAULT_SECONDS = 365 * 24 * 60 * 60;
const CLIENT_USAGES = ["client auth", "digital signature", "key encipherment"];
const SERVING_USAGES = ["digital signature", "key encipherment", "server auth"];
const NODE_PREFIX = "system:node:";
const FOREIGN_ORGANIZATION = "subject organization is not system:nodes";
const FOREIGN_NAME = "subject common name does not begin with system:node:";

export type SignerOptions = { server: Server; authorizer: Authorizer; authority: CertificateAuthority };

export function createCertificateSigner({ server, authorizer, authority }: SignerOptions): Controller {
  const requests = builtIn(server, "certificates.k8s.io/v1", "certificatesigningrequests");

  async function addCondition(name: string, scope: "status" | "approval", condition: JsonObject): Promise<void> {
    await changeStored(server, { resource: requests, name, scope }, (old) => {
      const status = objectAt(old, "status");
      const added = { status: "True", ...condition };
      return { ...old, status: { ...status, conditions: [...arrayAt(status, "conditions"), added] } };
    });
  }

  function mayApprove(csr: KubeObject, parsed: ParsedRequest): boolean {
    const spec = objectAt(csr, "spec");
    const user = { name: stringAt(spec, "username"), groups: arrayAt(spec, "groups").map(String) };
    const isSelf = user.name === parsed.commonName;
    return [...(isSelf ? ["selfnodeclient"] : []), "nodeclient"].some((subresource) =>
      authorizer.allows(user, {
        verb: "create",
        group: GROUP,
        plural: "certificatesigningrequests",
        subresource,
        namespace: "",
        name: "",
      }),
    );
  }

  async function sign(csr: KubeObject, parsed: ParsedRequest): Promise<void> {
    const { name } = csr.metadata;
    const signer = stringAt(csr["spec"], "signerName");
    const why = objectionTo(csr, parsed);
    if (why !== undefined) {
      await addCondition(name, "status", { type: "Failed", reason: "SignerValidationFailure", message: why });
      return;
    }
    const seconds = Number(valueAt(csr, "spec.expirationSeconds") ?? DEFAULT_SECONDS);
    const certificate = await authority.sign(parsed.pem, {
      lifetimeMs: Math.min(seconds, DEFAULT_SECONDS) * 1000,
      usage: signer === KUBELET_SERVING ? { server: true } : { client: true },
      dnsNames: parsed.dnsNames,
      ipAddresses: parsed.ipAddresses,
    });
    const encoded = Buffer.from(certificate).toString("base64");
    await changeStored(server, { resource: requests, name, scope: "status" }, (old) => ({
      ...old,
      status: { ...objectAt(old, "status"), certificate: encoded },
    }));
  }

  return {
    name: "certificate-signer",
    start: () => server.storage.list({ resource: requests.storage }).map(({ name }) => name),
    *keysOf(change) {
      if (change.resource === requests.storage && change.type !== "DELETED") yield change.name;
    },
    async reconcile(name) {
      const csr = read(server, { resource: requests, name });
      if (csr === undefined || isSettled(csr) || !SIGNERS.includes(stringAt(csr["spec"], "signerName"))) return;
      const parsed = await parseCertificateRequest(stringAt(csr["spec"], "request"));
      if (!hasCondition(csr, "Approved")) {
        const isNode = stringAt(csr["spec"], "signerName") === KUBELET_CLIENT && parsed !== undefined;
        if (!isNode || nodeClientObjection(csr, parsed) !== undefined || !mayApprove(csr, parsed)) return;
        const message = "Auto approving kubelet client certificate after SubjectAccessReview.";
        await addCondition(name, "approval", { type: "Approved", reason: "AutoApproved", message });
        return;
      }
      if (parsed === undefined) {
        await addCondition(name, "status", {
          type: "Failed",
          reason: "SignerValidationFailure",
          message: "unable to parse csr",
        });
        return;
      }
      await sign(csr, parsed);
    },
  };
}

const SIGNERS = [CLIENT, KUBELET_CLIENT, KUBELET_SERVING];

function hasCondition(csr: KubeObject, type: string): boolean {
  return arrayAt(objectAt(csr, "status"), "conditions").some((item) => isJsonObject(item) && item["type"] === type);
}

function isSettled(csr: KubeObject): boolean {
  return hasCondition(csr, "Denied") || hasCondition(csr, "Failed") || stringAt(csr["status"], "certificate") !== "";
}

/** Why the signer named in the request must not sign it. */
function objectionTo(csr: KubeObject, parsed: ParsedRequest): string | undefined {
  switch (stringAt(csr["spec"], "signerName")) {
    case KUBELET_CLIENT:
      return nodeClientObjection(csr, parsed);
    case KUBELET_SERVING:
      return servingObjection(csr, parsed);
    default:
      return clientObjection(csr);
  }
}

function nodeClientObjection(csr: KubeObject, parsed: ParsedRequest): string | undefined {
  if (!isEqual(parsed.organizations, ["system:nodes"])) return FOREIGN_ORGANIZATION;
  if (parsed.dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (parsed.ipAddresses.length > 0) return "IP subjectAltNames are not allowed";
  if (!parsed.commonName.startsWith(NODE_PREFIX)) return FOREIGN_NAME;
  return usagesObjection(csr, CLIENT_USAGES);
}

function servingObjection(csr: KubeObject, parsed: ParsedRequest): string | undefined {
  if (!isEqual(parsed.organizations, ["system:nodes"])) return FOREIGN_ORGANIZATION;
  if (parsed.dnsNames.length + parsed.ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
  return usagesObjection(csr, SERVING_USAGES) ?? (parsed.commonName.startsWith(NODE_PREFIX) ? undefined : FOREIGN_NAME);
}

function clientObjection(csr: KubeObject): string | undefined {
  const usages = arrayAt(csr["spec"], "usages").map(String);
  const other = usages.find((usage) => !CLIENT_USAGES.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes("client auth") ? undefined : "missing required usage for client certificate: client auth";
}

/** All of them, or all but the one that keys other than RSA have no use for. */
function usagesObjection(csr: KubeObject, wanted: readonly string[]): string | undefined {
  const usages = arrayAt(csr["spec"], "usages").map(String).sort();
  const fits = [wanted, wanted.filter((usage) => usage !== "key encipherment")].some((set) => isEqual(usages, set));
  return fits ? undefined : `usages did not match [${wanted.join(" ")}]`;
}
