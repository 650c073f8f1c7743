/** The webhook configuration that is deployed, reached by URL: outside of a cluster no Service leads anywhere. */
import { fileURLToPath } from "node:url";
import type { KubeObject } from "@machine-controller/kube-client";
import { readManifests } from "./apply-manifests.ts";

const DEPLOYED = fileURLToPath(new URL("../../../../deploy/kustomize/machine-controller.yaml", import.meta.url));

export type WebhookConfiguration = KubeObject & {
  webhooks: { clientConfig: { url?: string; caBundle?: string; service?: { path: string } } }[];
};

/** @param origin for example `https://127.0.0.1:9876`. */
export function deployedWebhooks(origin: string): WebhookConfiguration {
  const found = readManifests(DEPLOYED).find(({ kind }) => kind === "MutatingWebhookConfiguration");
  if (found === undefined) throw new Error(`${DEPLOYED} has no MutatingWebhookConfiguration`);
  const configuration = found as WebhookConfiguration;
  return {
    ...configuration,
    webhooks: configuration.webhooks.map(({ clientConfig, ...webhook }) => ({
      ...webhook,
      clientConfig: { url: `${origin}${clientConfig.service?.path}` },
    })),
  };
}
