// What kubectl and the controller take to be somebody: an API server, its authority and a token.
import { writeFileSync } from "node:fs";
import type { KubernetesEndpoint } from "./kubernetes-request.ts";

export function writeTokenKubeconfig(
  path: string,
  { server, caCertificatePem }: Pick<KubernetesEndpoint, "server" | "caCertificatePem">,
  token: string,
): void {
  const named = <T>(kind: string, value: T) => [{ name: "it", [kind]: value }];
  const content = {
    apiVersion: "v1",
    kind: "Config",
    clusters: named("cluster", {
      server,
      "certificate-authority-data": Buffer.from(caCertificatePem).toString("base64"),
    }),
    users: named("user", { token }),
    contexts: named("context", { cluster: "it", user: "it" }),
    "current-context": "it",
  };
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
}
