/** The admission webhooks of a laptop's cluster, as a real one has them: what cannot work is refused, not stored. */
import { createAdmissionHandler } from "@machine-controller/admission";
import { type CallWebhook, createHttpsTransport } from "@machine-controller/control-plane";
import type { KubeObject } from "@machine-controller/kube-client";
import { ADMISSION_FLAGS, NODE_FLAGS } from "../flags/admission-flags.ts";
import { providerDefinitions } from "../providers.generated.ts";
import { deployedWebhooks } from "./deployed-webhooks.ts";

/** Stands for this process; nothing listens there. */
const ORIGIN = "https://machine-controller.internal";

/** `configuration` has to be applied; `closing` ends the connections to the webhooks that others have added. */
export function createAdmission({ closing }: { closing: AbortSignal }): {
  callWebhook: CallWebhook;
  configuration: KubeObject;
} {
  const handle = createAdmissionHandler({
    providers: providerDefinitions,
    allowsKubelet: ADMISSION_FLAGS.kubernetesVersionConstraints.fallback,
    kubeletFeatureGates: NODE_FLAGS.nodeKubeletFeatureGates.fallback,
    externalCloudProvider: false,
  });
  const overNetwork = createHttpsTransport({ closing });
  return {
    configuration: deployedWebhooks(ORIGIN),
    async callWebhook(call) {
      if (new URL(call.url).origin !== ORIGIN) return overNetwork(call);
      const headers = { "content-type": "application/json" };
      const response = await handle(new Request(call.url, { method: "POST", headers, body: call.body }));
      return { status: response.status, text: await response.text() };
    },
  };
}
