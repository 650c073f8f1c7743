import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Machine, MachineStatus } from "@machine-controller/api";
import type { CertificateSigningRequest, Node } from "@machine-controller/kube-client";
import { judge, type Requester, type Verdict } from "./judge.ts";
import { AUTHORITY, createRequestPem, csrOf, RIGHT_NAMES, type RequestChanges } from "./serving-request.fixture.ts";

const NODE: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-1", uid: "node-uid", labels: { "machine-controller/owned-by": "machine-uid" } },
  // Its kubelet writes this, and may write anything.
  status: { addresses: [{ type: "InternalIP", address: "10.96.0.1" }] },
};
const MACHINE: Machine = {
  apiVersion: "cluster.k8s.io/v1alpha1",
  kind: "Machine",
  metadata: { name: "machine-1", namespace: "kube-system", uid: "machine-uid" },
  spec: { providerSpec: {}, versions: { kubelet: "1.36.2" } },
  status: {
    nodeRef: { name: "node-1", uid: "node-uid" },
    addresses: [
      { type: "InternalIP", address: "10.0.0.2" },
      { type: "ExternalIP", address: "2001:DB8:0:0::1" },
      { type: "InternalDNS", address: "node-1.internal" },
    ],
  },
};
const RIGHT: Requester = { machine: MACHINE, node: NODE, claimants: [MACHINE], shard: "" };

const machineWith = (metadata: Machine["metadata"], status: MachineStatus = {}): Requester => ({
  ...RIGHT,
  machine: { ...MACHINE, metadata: { ...MACHINE.metadata, ...metadata }, status: { ...MACHINE.status, ...status } },
});
const nodeWith = (metadata: Node["metadata"]): Requester => ({
  ...RIGHT,
  node: { ...NODE, metadata: { ...NODE.metadata, ...metadata } },
});
const names = (...more: RequestChanges["names"] & object): RequestChanges => ({ names: [...RIGHT_NAMES, ...more] });

type Case = {
  request?: RequestChanges;
  /** Changes the request's PEM. */
  forge?: (pem: string) => string;
  spec?: Partial<CertificateSigningRequest["spec"]>;
  status?: NonNullable<CertificateSigningRequest["status"]>;
  requester?: Requester;
};

async function verdictOf({ request, forge = (pem) => pem, spec, status, requester = RIGHT }: Case): Promise<Verdict> {
  const csr = csrOf(forge(await createRequestPem(request)), spec);
  return judge({ ...csr, ...(status && { status }) }, requester);
}

function changeDer(pem: string, change: (der: Buffer) => Buffer): string {
  const der = change(Buffer.from(pem.replaceAll(/-----.*-----|\s/g, ""), "base64"));
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
}
const flipLastBit = (der: Buffer): Buffer =>
  Buffer.from(der.map((byte, at) => (at === der.length - 1 ? byte ^ 1 : byte)));

describe("the kubelet of a Machine is given its serving certificate", () => {
  const cases: Record<string, Case> = {
    "for its name and addresses, however they are written": {},
    "for its name alone": { request: { names: [{ type: "dns", value: "node-1" }] } },
    "for a host name of its Machine": { request: names({ type: "dns", value: "node-1.internal" }) },
    "with an RSA key's usages": { spec: { usages: ["key encipherment", "digital signature", "server auth"] } },
    "with more groups": { spec: { groups: ["a", "system:authenticated", "system:nodes"] } },
    "for an hour": { spec: { expirationSeconds: 3600 } },
    "by the controller of its shard": {
      requester: { ...machineWith({ labels: { "machine.k8s.io/controller": "a" } }), shard: "a" },
    },
  };
  for (const [name, given] of Object.entries(cases)) {
    test(name, async () => assert.deepEqual(await verdictOf(given), { verdict: "approve" }));
  }
});

describe("nobody is given a serving certificate", () => {
  const cases: Record<string, [Case, why: string]> = {
    "by another signer": [
      { spec: { signerName: "kubernetes.io/kube-apiserver-client-kubelet" } },
      "its signer is kubernetes.io/kube-apiserver-client-kubelet",
    ],
    "who is no node": [{ spec: { username: "jane" } }, "its user is not a node"],
    "who is a node without a name": [{ spec: { username: "system:node:" } }, "its user is not a node"],
    "outside system:nodes": [
      { spec: { groups: ["system:authenticated", "a"] } },
      "its user is not in the group system:nodes",
    ],
    "outside system:authenticated": [
      { spec: { groups: ["system:nodes"] } },
      "its user is not in the group system:authenticated",
    ],
    "for clients": [
      { spec: { usages: ["digital signature", "server auth", "client auth"] } },
      'the usage "client auth" is not one of a serving certificate',
    ],
    "without server auth": [{ spec: { usages: ["digital signature"] } }, 'it lacks the usage "server auth"'],
    "for ten years": [
      { spec: { expirationSeconds: 315_360_000 } },
      "its lifetime of 315360000 s is not between 600 and 31622400",
    ],
    twice: [{ status: { certificate: "eA==" } }, "it is settled already"],
    "after approval": [{ status: { conditions: [{ type: "Approved", status: "True" }] } }, "it is settled already"],
    "after denial": [{ status: { conditions: [{ type: "Denied", status: "True" }] } }, "it is settled already"],
    "after a failure": [{ status: { conditions: [{ type: "Failed", status: "True" }] } }, "it is settled already"],

    "whose Node has no Machine": [{ requester: { ...RIGHT, machine: undefined } }, "Node node-1 has no Machine"],
    "whose Machine is being deleted": [
      { requester: machineWith({ deletionTimestamp: "2030-01-01T00:00:00Z" }) },
      "its Machine is being deleted",
    ],
    "whose Machine is another shard's": [
      { requester: machineWith({ labels: { "machine.k8s.io/controller": "b" } }) },
      "its Machine is another controller's",
    ],
    "whose Node carries another Machine's label": [
      { requester: nodeWith({ labels: { "machine-controller/owned-by": "other" } }) },
      "Node node-1 carries the label of another Machine",
    ],
    "whose Node was made anew": [
      { requester: nodeWith({ uid: "new" }) },
      "its Machine refers to an earlier Node node-1",
    ],
    "who labelled its Node as another Machine's": [
      { requester: machineWith({}, { nodeRef: { name: "node-2", uid: "node-2-uid" } }) },
      "its Machine refers to Node node-2",
    ],
    "in another node's name": [{ spec: { username: "system:node:node-2" } }, "it is Node node-1 that was looked at"],

    "with garbage for a request": [{ forge: () => "garbage" }, "the request has 0 PEM blocks, not one"],
    "with garbage in the PEM": [
      { forge: (pem) => changeDer(pem, () => Buffer.from("0\u0003abc")) },
      "the request is no PKCS#10 request that can be read",
    ],
    "with two PEM blocks": [{ forge: (pem) => pem + pem }, "the request has 2 PEM blocks, not one"],
    "with text after the PEM block": [
      { forge: (pem) => `${pem}x` },
      "the request is not a PEM block of type CERTIFICATE REQUEST and no more",
    ],
    "with text before the PEM block": [
      { forge: (pem) => `x\n${pem}` },
      "the request is not a PEM block of type CERTIFICATE REQUEST and no more",
    ],
    "with PEM of another type": [
      { forge: (pem) => pem.replaceAll("CERTIFICATE REQUEST", "CERTIFICATE") },
      "the request is not a PEM block of type CERTIFICATE REQUEST and no more",
    ],
    "with bytes after the request": [
      { forge: (pem) => changeDer(pem, (der) => Buffer.concat([der, der])) },
      "the request is not one DER sequence",
    ],
    "with a request cut short": [
      { forge: (pem) => changeDer(pem, (der) => der.subarray(0, 100)) },
      "the request is not one DER sequence",
    ],
    "with a huge request": [{ forge: (pem) => pem + "\n".repeat(20_000) }, "the request is longer than 16384 bytes"],
    "for a key that is not theirs": [
      { forge: (pem) => changeDer(pem, flipLastBit) },
      "the request is not signed with its own key",
    ],
    "with attributes of other kinds": [
      { request: { hasPassword: true } },
      "the request has attributes beside one request for extensions",
    ],
    "to be an authority": [{ request: { extensions: [AUTHORITY] } }, "the request wants the extension 2.5.29.19"],
    "to be an authority of no name": [
      { request: { names: [], extensions: [AUTHORITY] } },
      "the request wants the extension 2.5.29.19",
    ],

    "with another common name": [
      { request: { subject: "O=system:nodes, CN=system:node:node-2" } },
      "its common name is not its user's",
    ],
    "with two common names": [
      { request: { subject: "O=system:nodes, CN=system:node:node-1, CN=system:node:node-2" } },
      "its common name is not its user's",
    ],
    "with two organizations": [
      { request: { subject: "O=system:nodes, O=system:masters, CN=system:node:node-1" } },
      "it has 2 organizations, not one",
    ],
    "with no organization": [{ request: { subject: "CN=system:node:node-1" } }, "it has 0 organizations, not one"],
    "with another organization": [
      { request: { subject: "O=system:masters, CN=system:node:node-1" } },
      "its organization is not system:nodes",
    ],
    "with a subject of more": [
      { request: { subject: "O=system:nodes, OU=a, CN=system:node:node-1" } },
      "its subject has more than a common name and an organization",
    ],

    "for no name": [{ request: { names: [] } }, "it names no host"],
    "for another's name": [
      { request: names({ type: "dns", value: "node-2" }) },
      "the name node-2 is not its Machine's",
    ],
    "for another's address": [
      { request: names({ type: "ip", value: "10.0.0.3" }) },
      "the address 10.0.0.3 is not its Machine's",
    ],
    "for an address that only its Node claims": [
      { request: names({ type: "ip", value: "10.96.0.1" }) },
      "the address 10.96.0.1 is not its Machine's",
    ],
    "for an address as a name": [
      { request: names({ type: "dns", value: "10.0.0.2" }) },
      "the name 10.0.0.2 is not its Machine's",
    ],
    "for a wildcard": [{ request: names({ type: "dns", value: "*.internal" }) }, "it has a wildcard name"],
    "for a URI": [
      { request: names({ type: "url", value: "spiffe://node-1" }) },
      "it has an alternative name of type url",
    ],
    "for an e-mail address": [
      { request: names({ type: "email", value: "a@node-1" }) },
      "it has an alternative name of type email",
    ],
  };
  for (const [name, [given, why]] of Object.entries(cases)) {
    test(name, async () => assert.deepEqual(await verdictOf(given), { verdict: "ignore", why }));
  }
});

describe("a request waits", () => {
  const rival: Machine = { ...MACHINE, metadata: { name: "machine-2", uid: "other" } };
  const cases: Record<string, [Requester, why: string]> = {
    "for the Node": [{ ...RIGHT, node: undefined }, "Node node-1 does not exist"],
    "for the Node's label": [nodeWith({ labels: {} }), "Node node-1 does not carry its Machine's label yet"],
    "for the reference": [machineWith({}, { nodeRef: {} }), "its Machine does not refer to a Node yet"],
    "for the UID in the reference": [
      machineWith({}, { nodeRef: { name: "node-1" } }),
      "its Machine does not refer to a Node yet",
    ],
    "for addresses": [machineWith({}, { addresses: [] }), "its Machine has no addresses yet"],
    "while two Machines claim the Node": [
      { ...RIGHT, claimants: [MACHINE, rival] },
      "Machine machine-2 refers to Node node-1 too",
    ],
  };
  for (const [name, [requester, why]] of Object.entries(cases)) {
    test(name, async () => assert.deepEqual(await verdictOf({ requester }), { verdict: "wait", why }));
  }
});
