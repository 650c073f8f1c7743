/** Kubeconfig documents. */
import { stringify } from "yaml";

export type KubeconfigOptions = {
  server: string;
  caCertificatePem: string;
  user?: { certificatePem: string; privateKeyPem: string };
};

/** YAML with one cluster, and one context for the user if there is one. */
export function toKubeconfig({ server, caCertificatePem, user }: KubeconfigOptions): string {
  const cluster = { server, "certificate-authority-data": base64(caCertificatePem) };
  if (user === undefined) {
    return stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "", cluster }],
      contexts: [],
      "current-context": "",
      preferences: {},
      users: [],
    });
  }
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "local", cluster }],
    contexts: [{ name: "local", context: { cluster: "local", user: "admin" } }],
    "current-context": "local",
    users: [
      {
        name: "admin",
        user: {
          "client-certificate-data": base64(user.certificatePem),
          "client-key-data": base64(user.privateKeyPem),
        },
      },
    ],
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
