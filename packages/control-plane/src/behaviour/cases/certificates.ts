/** CertificateSigningRequests: what may be asked, who may approve and sign it, and what the cluster's signers sign. */
import "reflect-metadata";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from "@peculiar/x509";
import type { JsonName } from "@peculiar/x509";
import { stringAt } from "../../object.ts";
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal, itemsAt } from "../expect.ts";
import type { FieldProblem } from "../expect.ts";
import type { Answer, CallOptions, World } from "../world.ts";

const REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const NODE = [{ O: ["system:nodes"] }, { CN: ["system:node:n1"] }];
const CLIENT = "kubernetes.io/kube-apiserver-client";
const KUBELET_CLIENT = `${CLIENT}-kubelet`;
const KUBELET_SERVING = "kubernetes.io/kubelet-serving";

async function requestOf(name: JsonName, dnsNames: string[] = []): Promise<string> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const names = dnsNames.map((value) => ({ type: "dns" as const, value }));
  const request = await Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: ALGORITHM,
    ...(names.length > 0 && { extensions: [new SubjectAlternativeNameExtension(names)] }),
  });
  return Buffer.from(request.toString("pem")).toString("base64");
}

/** Nobody signs for this signer. */
async function ask(world: World, spec: JsonObject = {}, options: CallOptions = {}): Promise<Answer> {
  const request = await world.once("request", () => requestOf(NODE));
  const body = {
    metadata: { name: world.unique("r") },
    spec: { request, signerName: "example.com/none", usages: ["client auth"], ...spec },
  };
  return world.call("POST", REQUESTS, { body, ...options });
}

function condition(type: string, more: JsonObject = {}): JsonObject {
  return { type, status: "True", reason: "Because", message: "words", ...more };
}

/** A change of the status of the case's request, by default its approval. */
function answerTo(
  world: World,
  status: JsonObject,
  { subresource = "approval", ...options }: CallOptions & { subresource?: string } = {},
): Promise<Answer> {
  const path = `${REQUESTS}/${world.unique("r")}/${subresource}`;
  return world.call("PATCH", path, { body: { status }, ...options });
}

const approve = (world: World, ...types: string[]): Promise<Answer> =>
  answerTo(world, { conditions: types.map((type) => condition(type)) });

/** What a signer of the cluster makes of a request that is approved. */
async function signed(world: World, spec: JsonObject): Promise<JsonObject> {
  expectBody(await ask(world, spec), 201);
  expectBody(await approve(world, "Approved"), 200);
  const path = `${REQUESTS}/${world.unique("r")}`;
  await world.until(path, (request) => {
    const failed = itemsAt(request, "status.conditions").some(({ type }) => type === "Failed");
    return failed || stringAt(request?.["status"], "certificate") !== "";
  });
  return (await world.call("GET", path)).body["status"] as JsonObject;
}

function fails(spec: JsonObject, message: string) {
  return async (world: World): Promise<void> => {
    const status = await signed(world, spec);
    assert.equal(status["certificate"], undefined);
    const [, failed] = itemsAt(status, "conditions");
    assert.partialDeepStrictEqual(failed, condition("Failed", { reason: "SignerValidationFailure", message }));
  };
}

function refuses(spec: JsonObject, problem: FieldProblem) {
  return async (world: World): Promise<void> => expectInvalid(await ask(world, spec), [problem]);
}

const refusesSigner = (signerName: string, why: string) =>
  refuses({ signerName }, { field: "spec.signerName", reason: "FieldValueInvalid", message: why });

/** A user who may do everything with requests, but has no signer. */
async function bystander(world: World): Promise<CallOptions> {
  const user = world.unique("jane");
  const name = world.unique("requests");
  const resources = [
    "certificatesigningrequests",
    "certificatesigningrequests/approval",
    "certificatesigningrequests/status",
  ];
  const rules = [{ apiGroups: ["certificates.k8s.io"], resources, verbs: ["*"] }];
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name };
  await world.call("POST", `${RBAC}/clusterroles`, { body: { metadata: { name }, rules } });
  const body = { metadata: { name }, roleRef, subjects: [{ kind: "User", name: user }] };
  await world.call("POST", `${RBAC}/clusterrolebindings`, { body });
  const as = { user };
  // Roles work once the server's caches know of them.
  while ((await world.call("GET", REQUESTS, { as })).status !== 200);
  return { as };
}

export const certificateCases = behaviour("certificates", {
  "a request says who made it, whatever it claims": async (world) => {
    const options = { as: { user: "jane", groups: ["system:masters"] } };
    const { spec } = expectBody(await ask(world, { username: "bob", uid: "1", extra: { a: ["b"] } }, options), 201);
    const { username, uid, groups, extra } = spec as JsonObject;
    assert.deepEqual([username, uid, extra], ["jane", undefined, undefined]);
    assert.deepEqual(groups, ["system:masters", "system:authenticated"]);
  },
  "what was asked stays as it is": async (world) => {
    await ask(world);
    const path = `${REQUESTS}/${world.unique("r")}`;
    for (const subresource of ["", "/approval", "/status"]) {
      const answer = await world.call("PATCH", `${path}${subresource}`, { body: { spec: { signerName: "a.b/c" } } });
      expectBody(answer, 200, { spec: { signerName: "example.com/none" } });
    }
  },
  "a request is PEM": refuses(
    { request: "eA==" },
    {
      field: "spec.request",
      reason: "FieldValueInvalid",
      message: 'Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST',
    },
  ),
  "a request asks for usages": refuses(
    { usages: [] },
    { field: "spec.usages", reason: "FieldValueRequired", message: "Required value" },
  ),
  "a usage is one of those that are known": refuses(
    { usages: ["nope"] },
    {
      field: "spec.usages[0]",
      reason: "FieldValueNotSupported",
      message: /^Unsupported value: "nope": supported values: "any", "cert sign", .*, "timestamping"$/,
    },
  ),
  "a usage is asked for once": refuses(
    { usages: ["client auth", "client auth"] },
    { field: "spec.usages[1]", reason: "FieldValueDuplicate", message: 'Duplicate value: "client auth"' },
  ),
  "a certificate lives ten minutes at least": refuses(
    { expirationSeconds: 599 },
    {
      field: "spec.expirationSeconds",
      reason: "FieldValueInvalid",
      message: "Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)",
    },
  ),
  "a request names its signer": refuses(
    { signerName: "" },
    { field: "spec.signerName", reason: "FieldValueRequired", message: "Required value" },
  ),
  "a signer has a domain and a path": refusesSigner(
    "foo",
    "Invalid value: \"foo\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
  ),
  "a signer's domain has a dot": refusesSigner(
    "a/b",
    'Invalid value: "a": should be a domain with at least two segments separated by dots',
  ),
  "the signer of old is not asked any more": refusesSigner(
    "kubernetes.io/legacy-unknown",
    'Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
  ),
  "a verdict gets its times": async (world) => {
    await ask(world);
    const answer = await approve(world, "Approved");
    const [approved] = itemsAt(answer.body, "status.conditions");
    assert.match(String(approved?.["lastUpdateTime"]), /^\d{4}-/);
    assert.equal(approved?.["lastTransitionTime"], approved?.["lastUpdateTime"]);
  },
  "a verdict is for good": async (world) => {
    await ask(world);
    await approve(world, "Denied");
    expectInvalid(await approve(world, "Denied", "Approved"), [
      {
        field: "status.conditions",
        reason: "FieldValueInvalid",
        message: 'Invalid value: "Approved": Approved and Denied conditions are mutually exclusive',
      },
    ]);
    for (const subresource of ["approval", "status"]) {
      expectInvalid(await answerTo(world, { conditions: [] }, { subresource }), [
        {
          field: "status.conditions",
          reason: "FieldValueForbidden",
          message: 'Forbidden: updates may not remove a condition of type "Denied"',
        },
      ]);
    }
  },
  "a verdict is true": async (world) => {
    await ask(world);
    expectInvalid(await answerTo(world, { conditions: [condition("Approved", { status: "False" })] }), [
      {
        field: "status.conditions[0].status",
        reason: "FieldValueNotSupported",
        message: 'Unsupported value: "False": supported values: "True"',
      },
    ]);
    expectInvalid(await answerTo(world, { conditions: [{ type: "Approved" }] }), [
      { field: "status.conditions[0].status", reason: "FieldValueRequired", message: "Required value" },
    ]);
    expectInvalid(await approve(world, "Approved", "Approved"), [
      { field: "status.conditions[1].type", reason: "FieldValueDuplicate", message: 'Duplicate value: "Approved"' },
    ]);
  },
  "who signs does not approve": async (world) => {
    await ask(world);
    expectInvalid(await answerTo(world, { conditions: [condition("Approved")] }, { subresource: "status" }), [
      {
        field: "status.conditions",
        reason: "FieldValueForbidden",
        message: 'Forbidden: updates may not add a condition of type "Approved"',
      },
    ]);
  },
  "who approves does not sign": async (world) => {
    await ask(world);
    const { status } = expectBody(await answerTo(world, { certificate: "eA==" }), 200);
    assert.deepEqual(status, {});
  },
  "a certificate is PEM, and stays": async (world) => {
    await ask(world);
    const sign = (certificate: string): Promise<Answer> => answerTo(world, { certificate }, { subresource: "status" });
    const refusal = { field: "status.certificate", reason: "FieldValueInvalid" };
    const broken = 'Invalid value: "<certificate data>": ';
    expectInvalid(await sign("eA=="), [
      { ...refusal, message: `${broken}must contain at least one CERTIFICATE PEM block` },
    ]);
    expectInvalid(await sign(await requestOf(NODE)), [
      { ...refusal, message: `${broken}only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST"` },
    ]);
    const published = "/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt";
    await world.until(published, (map) => map !== undefined);
    const authority = stringAt((await world.call("GET", published)).body["data"], "ca.crt");
    expectBody(await sign(Buffer.from(authority).toString("base64")), 200);
    expectInvalid(await sign(Buffer.from(authority + authority).toString("base64")), [
      {
        field: "status.certificate",
        reason: "FieldValueForbidden",
        message: "Forbidden: updates may not modify existing certificate content",
      },
    ]);
  },
  "approvers and signers need a role for the signer": async (world) => {
    const options = await bystander(world);
    const { metadata } = expectBody(await ask(world, {}, options), 201);
    const refused = (answer: Answer, verb: string): void =>
      expectRefusal(answer, 403, {
        reason: "Forbidden",
        message: `certificatesigningrequests.certificates.k8s.io "${metadata.name}" is forbidden: user not permitted to ${verb} requests with signerName "example.com/none"`,
      });
    refused(await answerTo(world, { conditions: [condition("Approved")] }, options), "approve");
    refused(
      await answerTo(world, { conditions: [condition("Failed")] }, { subresource: "status", ...options }),
      "sign",
    );
  },
  "nobody asks to be a master": async (world) => {
    const request = await requestOf([{ O: ["system:masters"] }, { CN: ["jane"] }]);
    expectRefusal(await ask(world, { request, signerName: CLIENT }), 403, {
      reason: "Forbidden",
      message: `certificatesigningrequests.certificates.k8s.io "${world.unique("r")}" is forbidden: use of ${CLIENT} signer with system:masters group is not allowed`,
    });
  },
  "a kubelet's client certificate is signed": async (world) => {
    const usages = ["digital signature", "client auth"];
    const { certificate } = await signed(world, { signerName: KUBELET_CLIENT, usages, expirationSeconds: 600 });
    const { subject, keyUsage, validToDate } = new X509Certificate(Buffer.from(String(certificate), "base64"));
    assert.deepEqual(subject.split("\n").sort(), ["CN=system:node:n1", "O=system:nodes"]);
    assert.deepEqual(keyUsage, ["1.3.6.1.5.5.7.3.2"]);
    const minutes = (validToDate.getTime() - Date.now()) / 60_000;
    assert.ok(minutes > 0 && minutes <= 10, `it lives ${minutes} minutes`);
  },
  "a kubelet's serving certificate is signed, whoever asked": async (world) => {
    const request = await requestOf(NODE, ["n1.example.com"]);
    const usages = ["digital signature", "server auth"];
    const { certificate } = await signed(world, { request, signerName: KUBELET_SERVING, usages });
    const { subjectAltName, keyUsage } = new X509Certificate(Buffer.from(String(certificate), "base64"));
    assert.deepEqual([subjectAltName, keyUsage], ["DNS:n1.example.com", ["1.3.6.1.5.5.7.3.1"]]);
  },
  "a serving certificate names where it serves": fails(
    { signerName: KUBELET_SERVING, usages: ["digital signature", "server auth"] },
    "DNS or IP subjectAltName is required",
  ),
  "a kubelet's certificate is for its usages": fails(
    { signerName: KUBELET_CLIENT, usages: ["server auth"] },
    "usages did not match [client auth digital signature key encipherment]",
  ),
  "a client's certificate serves nothing": fails(
    { signerName: CLIENT, usages: ["client auth", "server auth"] },
    "invalid usage for client certificate: server auth",
  ),
});
