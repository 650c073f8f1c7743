/**
 * Reads the PKCS#10 request of a CertificateSigningRequest, more strictly than the standard: the signer has another
 * parser, and whatever the two might read differently is refused.
 */

export type ServingRequest = {
  /** Every attribute of the subject, in order. */
  subject: readonly { attribute: string; value: string }[];
  /** Subject alternative names; those of a kubelet are of type `dns` and `ip`. */
  names: readonly { type: string; value: string }[];
};

const MAX_BYTES = 16 * 1024;
const PEM_BLOCK = /^-----BEGIN CERTIFICATE REQUEST-----\r?\n([\w+/=\r\n]+)-----END CERTIFICATE REQUEST-----\s*$/;
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";

/** @param base64 `spec.request`: base64 of PEM. */
export async function parseServingRequest(base64: string): Promise<ServingRequest | { problem: string }> {
  if (base64.length > MAX_BYTES) return { problem: `the request is longer than ${MAX_BYTES} bytes` };
  const pem = Buffer.from(base64, "base64").toString("latin1");
  const blocks = pem.match(/-----BEGIN/g)?.length ?? 0;
  if (blocks !== 1) return { problem: `the request has ${blocks} PEM blocks, not one` };
  const body = PEM_BLOCK.exec(pem)?.[1];
  if (body === undefined) return { problem: "the request is not a PEM block of type CERTIFICATE REQUEST and no more" };
  const der = Buffer.from(body, "base64");
  if (outerLength(der) !== der.length) return { problem: "the request is not one DER sequence" };
  try {
    return await readRequest(der);
  } catch {
    return { problem: "the request is no PKCS#10 request that can be read" };
  }
}

async function readRequest(der: Buffer): Promise<ServingRequest | { problem: string }> {
  // Loaded when the first request comes: a cluster whose kubelets ask for none never pays for it.
  await import("reflect-metadata");
  const { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } = await import("@peculiar/x509");
  const request = new Pkcs10CertificateRequest(der);
  if (!(await request.verify())) return { problem: "the request is not signed with its own key" };
  const [attribute, ...more] = request.attributes;
  if (more.length > 0 || (attribute && (attribute.type !== EXTENSION_REQUEST || attribute.values.length !== 1))) {
    return { problem: "the request has attributes beside one request for extensions" };
  }
  const [extension, ...others] = request.extensions;
  const foreign = [...(extension?.type === SUBJECT_ALTERNATIVE_NAME ? [] : [extension]), ...others].find(Boolean);
  if (foreign !== undefined) return { problem: `the request wants the extension ${foreign.type}` };
  return {
    subject: request.subjectName
      .toJSON()
      .flatMap((rdn) => Object.entries(rdn))
      .flatMap(([attribute, values]) => values.map((value) => ({ attribute, value }))),
    names: extension
      ? new SubjectAlternativeNameExtension(extension.rawData).names.items.map(({ type, value }) => ({ type, value }))
      : [],
  };
}

/** How long the element says it is: the library takes no notice of bytes behind it. */
function outerLength(der: Buffer): number | undefined {
  const [tag, length = 0] = der;
  if (tag !== 0x30) return undefined;
  if (length < 0x80) return 2 + length;
  const size = length & 0x7f;
  return size >= 1 && size <= 4 && der.length >= 2 + size ? 2 + size + der.readUIntBE(2, size) : undefined;
}
