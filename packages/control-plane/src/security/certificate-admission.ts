/** Who may have which certificates: approvers and signers are held to signers they have a role for. */
import { isEqual, stringAt, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { forbidden } from "../status-error.ts";
import type { Authorizer } from "./authorize.ts";
import { MASTERS } from "./user.ts";
import type { User } from "./user.ts";

export type Grant = {
  user: User;
  resource: Resource;
  subresource: string;
  old: KubeObject | undefined;
  next: KubeObject;
};

const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";

/** Throws Forbidden for a change of a CertificateSigningRequest that its signer is not for. */
export function checkSigner(authorizer: Authorizer, { user, resource, subresource, old, next }: Grant): void {
  if (resource.kind !== "CertificateSigningRequest" || resource.custom) return;
  const { name } = next.metadata;
  const signer = stringAt((old ?? next)["spec"], "signerName");
  if (old === undefined) {
    if (signer !== CLIENT_SIGNER || !asksForMasters(stringAt(next["spec"], "request"))) return;
    throw forbidden(resource, name, `use of ${CLIENT_SIGNER} signer with ${MASTERS} group is not allowed`);
  }
  const isSame = isEqual(valueAt(old, "status"), valueAt(next, "status"));
  const verb = subresource === "approval" ? "approve" : subresource === "status" && !isSame ? "sign" : undefined;
  if (verb === undefined) return;
  const signers = { verb, group: resource.group, plural: "signers", namespace: "", subresource: "" };
  const names = [signer, `${signer.split("/")[0] ?? ""}/*`];
  if (names.some((allowed) => authorizer.allows(user, { ...signers, name: allowed }))) return;
  throw forbidden(resource, name, `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`);
}

/** The organization as DER has it: its object identifier, then a string of any type. */
function asksForMasters(base64: string): boolean {
  const body = Buffer.from(base64, "base64")
    .toString("latin1")
    .replace(/-----[^-]+-----/g, "");
  const der = Buffer.from(body, "base64").toString("latin1");
  const length = String.fromCharCode(MASTERS.length);
  return der
    .split("\x06\x03\x55\x04\x0a")
    .some((rest) => rest.slice(1, 2) === length && rest.slice(2).startsWith(MASTERS));
}
