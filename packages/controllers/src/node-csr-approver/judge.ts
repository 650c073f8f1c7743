/**
 * Whether a kubelet may have the serving certificate that it asks for. Only approval has an effect: a request that is
 * ignored may be somebody else's to decide, so nothing is ever denied.
 */
import { SocketAddress, isIP } from "node:net";
import type { Machine } from "@machine-controller/api";
import { LABEL_CONTROLLER, LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import type { CertificateSigningRequest, Node } from "@machine-controller/kube-client";
import { parseServingRequest, type ServingRequest } from "./serving-request.ts";

export type Verdict =
  | { verdict: "approve" }
  /** `wait`: it is a Machine's, and what it needs may still come; `ignore`: it is not, or asks for what it must not. */
  | { verdict: "ignore" | "wait"; why: string };

export type Requester = {
  /** The Machine whose Node the requester may be. */
  machine: Machine | undefined;
  /** The Node of the requester's name. */
  node: Node | undefined;
  /** Machines whose `status.nodeRef` names that Node. */
  claimants: readonly Machine[];
  /** `-name`: the shard of Machines to handle. */
  shard: string;
};

export const SIGNER = "kubernetes.io/kubelet-serving";
const USER_PREFIX = "system:node:";
const NODES_GROUP = "system:nodes";
const GROUPS = [NODES_GROUP, "system:authenticated"];
const SERVER_AUTH = "server auth";
const USAGES = new Set(["digital signature", "key encipherment", SERVER_AUTH]);
/** What the API server admits at least, and what signers give when nothing is asked for. */
const EXPIRATION_SECONDS = { min: 600, max: 366 * 86_400 };

export const isSettled = ({ status }: CertificateSigningRequest): boolean =>
  Boolean(status?.certificate) ||
  (status?.conditions ?? []).some(({ type }) => ["Approved", "Denied", "Failed"].includes(type));

/** The Node that the requester was authenticated as. */
export function nodeNameOf({ spec }: CertificateSigningRequest): string | undefined {
  const { username = "" } = spec;
  return username.startsWith(USER_PREFIX) ? username.slice(USER_PREFIX.length) || undefined : undefined;
}

/** Depends on nothing but its arguments. Reads the request itself only when all else speaks for approval. */
export async function judge(csr: CertificateSigningRequest, requester: Requester): Promise<Verdict> {
  const early = judgeEnvelope(csr) ?? judgeRequester(nodeNameOf(csr) ?? "", requester);
  if (early !== undefined) return early;
  const request = await parseServingRequest(csr.spec.request);
  if ("problem" in request) return ignore(request.problem);
  return judgeSubject(csr, request) ?? judgeNames(request, requester) ?? { verdict: "approve" };
}

const ignore = (why: string): Verdict => ({ verdict: "ignore", why });
const wait = (why: string): Verdict => ({ verdict: "wait", why });

function judgeEnvelope(csr: CertificateSigningRequest): Verdict | undefined {
  const { signerName, groups = [], usages = [], expirationSeconds } = csr.spec;
  if (isSettled(csr)) return ignore("it is settled already");
  if (signerName !== SIGNER) return ignore(`its signer is ${signerName}`);
  if (nodeNameOf(csr) === undefined) return ignore("its user is not a node");
  const missing = GROUPS.find((group) => !groups.includes(group));
  if (missing !== undefined) return ignore(`its user is not in the group ${missing}`);
  const odd = usages.find((usage) => !USAGES.has(usage));
  if (odd !== undefined) return ignore(`the usage "${odd}" is not one of a serving certificate`);
  if (!usages.includes(SERVER_AUTH)) return ignore(`it lacks the usage "${SERVER_AUTH}"`);
  const { min, max } = EXPIRATION_SECONDS;
  if (expirationSeconds !== undefined && !(expirationSeconds >= min && expirationSeconds <= max)) {
    return ignore(`its lifetime of ${expirationSeconds} s is not between ${min} and ${max}`);
  }
  return undefined;
}

/**
 * Owner label, reference by name and reference by UID must all agree: a kubelet can write labels of its own Node, and
 * delete and make that Node again, but not the status of a Machine.
 */
function judgeRequester(name: string, { machine, node, claimants, shard }: Requester): Verdict | undefined {
  if (machine === undefined) return ignore(`Node ${name} has no Machine`);
  const { uid = "", deletionTimestamp, labels } = machine.metadata;
  if ((labels?.[LABEL_CONTROLLER] ?? "") !== shard) return ignore("its Machine is another controller's");
  if (deletionTimestamp !== undefined) return ignore("its Machine is being deleted");
  if (node === undefined) return wait(`Node ${name} does not exist`);
  if (node.metadata.name !== name) return ignore(`it is Node ${node.metadata.name} that was looked at`);
  const owner = node.metadata.labels?.[LABEL_NODE_OWNER];
  if (owner === undefined) return wait(`Node ${name} does not carry its Machine's label yet`);
  if (owner !== uid) return ignore(`Node ${name} carries the label of another Machine`);
  const { nodeRef, addresses = [] } = machine.status ?? {};
  if (!nodeRef?.name || !nodeRef.uid) return wait("its Machine does not refer to a Node yet");
  if (nodeRef.name !== name) return ignore(`its Machine refers to Node ${nodeRef.name}`);
  if (nodeRef.uid !== node.metadata.uid) return ignore(`its Machine refers to an earlier Node ${name}`);
  const rival = claimants.find((other) => other.metadata.uid !== uid);
  if (rival !== undefined) return wait(`Machine ${rival.metadata.name} refers to Node ${name} too`);
  if (addresses.length === 0) return wait("its Machine has no addresses yet");
  return undefined;
}

function judgeSubject({ spec }: CertificateSigningRequest, { subject }: ServingRequest): Verdict | undefined {
  const valuesOf = (wanted: string): string[] =>
    subject.filter(({ attribute }) => attribute === wanted).map(({ value }) => value);
  const [commonNames, organizations] = [valuesOf("CN"), valuesOf("O")];
  if (commonNames.length !== 1 || commonNames[0] !== spec.username) return ignore("its common name is not its user's");
  if (organizations.length !== 1) return ignore(`it has ${organizations.length} organizations, not one`);
  if (organizations[0] !== NODES_GROUP) return ignore(`its organization is not ${NODES_GROUP}`);
  return subject.length === 2 ? undefined : ignore("its subject has more than a common name and an organization");
}

/** The addresses of the Machine come from its cloud; those of the Node are the kubelet's own word, and are not asked. */
function judgeNames({ names }: ServingRequest, { machine, node }: Requester): Verdict | undefined {
  if (names.length === 0) return ignore("it names no host");
  const known = (machine?.status?.addresses ?? []).map(({ address }) => address);
  const hosts = new Set([node?.metadata.name, ...known.filter((address) => isIP(address) === 0)]);
  const ips = new Set(known.map(canonicalIp).filter((ip) => ip !== undefined));
  for (const { type, value } of names) {
    if (type !== "dns" && type !== "ip") return ignore(`it has an alternative name of type ${type}`);
    if (value.includes("*")) return ignore("it has a wildcard name");
    if (type === "dns" && !hosts.has(value)) return ignore(`the name ${value} is not its Machine's`);
    if (type === "ip" && !ips.has(canonicalIp(value) ?? "")) return ignore(`the address ${value} is not its Machine's`);
  }
  return undefined;
}

/** IPv6 compressed, in lower case. */
function canonicalIp(text: string): string | undefined {
  const version = isIP(text);
  if (version === 0 || text.includes("%")) return undefined;
  return new SocketAddress({ address: text, family: version === 4 ? "ipv4" : "ipv6" }).address;
}
