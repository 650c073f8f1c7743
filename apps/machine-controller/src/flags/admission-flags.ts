/** What the webhooks are told, whether they are served by `webhook` or beside the controllers by `run`. */
import { type AllowsKubelet, parseVersionConstraint } from "@machine-controller/admission";
import { boolean, parsed, text } from "./define-flags.ts";
import { parseCount, parseFeatureGates, parseList } from "./go-values.ts";
import { UsageError } from "../usage-error.ts";

const GROUP = "Admission";
const ROTATE_GATE = "RotateKubeletServerCertificate";
const ANY_VERSION = ">=0.0.0-0";

export const ADMISSION_FLAGS = {
  tlsCertPath: text("/tmp/cert/tls.crt", {
    group: GROUP,
    value: "path",
    help: "PEM file of the serving certificate, read again on change",
  }),
  tlsKeyPath: text("/tmp/cert/tls.key", { group: GROUP, value: "path", help: "PEM file of its key" }),
  manageCertificate: boolean(false, {
    group: GROUP,
    help: "make an own authority and certificate, kept in the Secret machine-controller-webhook-ca, instead of the files",
  }),
  namespace: text("kube-system", { group: GROUP, value: "name", help: "namespace of that Secret and of the Service" }),
  serviceName: text("machine-controller-webhook", {
    group: GROUP,
    value: "name",
    help: "Service that the certificate is for",
  }),
  certificateHosts: parsed<string[]>({
    group: GROUP,
    value: "hosts",
    help: "comma list of more names and addresses that the managed certificate is for",
    fallback: [],
    shown: "none",
    parse: parseList,
  }),
  webhookConfiguration: text("machine-controller", {
    group: GROUP,
    value: "name",
    help: "MutatingWebhookConfiguration that is told of the authority",
  }),
  kubernetesVersionConstraints: parsed({
    group: GROUP,
    value: "constraints",
    help: "versions that kubelets may have",
    fallback: parseVersionConstraint(ANY_VERSION),
    shown: ANY_VERSION,
    parse: parseConstraints,
  }),
  kubernetesVersionSkew: parsed<number | undefined>({
    group: GROUP,
    value: "minors",
    help: "minor versions that kubelets may be behind the API server, ahead of which they may not be (Kubernetes: 3)",
    fallback: undefined,
    shown: "any",
    parse: parseCount,
  }),
  immutabilityBypassUsers: parsed<string[]>({
    group: GROUP,
    value: "users",
    help: "comma list of users who may change a Machine's spec with the bypass annotation; everybody if empty",
    fallback: [],
    shown: "everybody",
    parse: parseList,
  }),
};

/** Flags of both binaries that also decide what new Machines are told. */
export const NODE_FLAGS = {
  nodeExternalCloudProvider: boolean(false, {
    group: "Nodes",
    help: "a cloud-controller-manager looks after Nodes",
  }),
  nodeKubeletFeatureGates: parsed({
    group: "Nodes",
    value: "gates",
    help: "comma list of Gate=bool, noted on new Machines and given to kubelets",
    fallback: { [ROTATE_GATE]: true },
    shown: `${ROTATE_GATE}=true`,
    parse: (value) => ({ [ROTATE_GATE]: true, ...parseFeatureGates(value) }),
  }),
};

function parseConstraints(value: string): AllowsKubelet {
  try {
    return parseVersionConstraint(value);
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
