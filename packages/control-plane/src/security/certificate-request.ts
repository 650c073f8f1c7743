/** PKCS#10 requests as CertificateSigningRequests carry them. */

export type ParsedRequest = {
  pem: string;
  commonName: string;
  organizations: string[];
  dnsNames: string[];
  ipAddresses: string[];
};

const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";

/** `base64` is `spec.request`: base64 of PEM. `undefined` when it is unreadable or not signed with its own key. */
export async function parseCertificateRequest(base64: string): Promise<ParsedRequest | undefined> {
  await import("reflect-metadata");
  const { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } = await import("@peculiar/x509");
  try {
    const pem = Buffer.from(base64, "base64").toString("utf8");
    const request = new Pkcs10CertificateRequest(pem);
    if (!(await request.verify())) return undefined;
    const extension = request.getExtension(SUBJECT_ALTERNATIVE_NAME);
    const names = extension === null ? [] : new SubjectAlternativeNameExtension(extension.rawData).names.items;
    return {
      pem,
      commonName: request.subjectName.getField("CN")[0] ?? "",
      organizations: request.subjectName.getField("O"),
      dnsNames: names.filter((name) => name.type === "dns").map((name) => name.value),
      ipAddresses: names.filter((name) => name.type === "ip").map((name) => name.value),
    };
  } catch {
    return undefined;
  }
}
