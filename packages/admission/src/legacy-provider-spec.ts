/** Old forms of the envelope that the Go implementation rewrites on admission. */
import { canonicalText } from "@machine-controller/api";
import { isObject, type Raw } from "./admission.ts";

/** `cloudProvider` of the old form → the envelope in today's. */
const REWRITES: Readonly<Record<string, (envelope: Raw) => Raw>> = {
  packet(envelope) {
    const config = envelope["cloudProviderSpec"];
    if (!isObject(config) || config["apiKey"] == null) return { ...envelope, cloudProvider: "equinixmetal" };
    const { apiKey, ...rest } = config;
    return { ...envelope, cloudProvider: "equinixmetal", cloudProviderSpec: { ...rest, token: apiKey } };
  },
  "vmware-cloud-director"(envelope) {
    const config = envelope["cloudProviderSpec"];
    if (!isObject(config) || (config["network"] == null && config["networks"] == null)) return envelope;
    const { network, networks, ...rest } = config;
    if (networks != null && !Array.isArray(networks)) return envelope;
    const all = [...(network == null ? [] : [network]), ...(networks ?? [])] as unknown[];
    const distinct = [...new Map(all.map((entry) => [canonicalText({ entry }), entry])).values()];
    return { ...envelope, cloudProviderSpec: { ...rest, networks: distinct } };
  },
};

export function withoutLegacyForms(envelope: Raw): Raw {
  const name = envelope["cloudProvider"];
  const rewrite = typeof name === "string" && Object.hasOwn(REWRITES, name) ? REWRITES[name] : undefined;
  return rewrite?.(envelope) ?? envelope;
}
