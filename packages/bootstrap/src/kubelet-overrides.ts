/** Annotations of a Machine that change its kubelet's configuration, one field each. */
import { nearestName } from "@machine-controller/api";
import { BootstrapError } from "./bootstrap-error.ts";
import { RESERVED } from "./kubelet-config.ts";

export const KUBELET_CONFIG_PREFIX = "v1.kubelet-config.machine-controller.kubermatic.io/";

type Override = { field: string; parse(text: string): unknown; expected: string };

const wholeNumber = {
  parse: (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined),
  expected: "a whole number",
};
const duration = { parse: matching(/^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/), expected: "a duration such as 2m30s" };
const quantity = /^\d+(\.\d+)?(m|[kMGTPE]|[KMGTPE]i)?$/;
const reservation = { parse: pairs("=", quantity), expected: "a list such as cpu=200m,memory=1Gi" };

const OVERRIDES: Readonly<Record<string, Override>> = {
  ContainerLogMaxFiles: { field: "containerLogMaxFiles", ...wholeNumber },
  ContainerLogMaxSize: { field: "containerLogMaxSize", parse: matching(quantity), expected: "a size such as 100Mi" },
  EvictionHard: {
    field: "evictionHard",
    parse: pairs("<", /^\d+(\.\d+)?(%|[kMGTPE]|[KMGTPE]i)?$/),
    expected: "a list such as memory.available<500Mi,nodefs.available<10%",
  },
  ImageGCHighThresholdPercent: { field: "imageGCHighThresholdPercent", ...wholeNumber },
  ImageGCLowThresholdPercent: { field: "imageGCLowThresholdPercent", ...wholeNumber },
  ImageMaximumGCAge: { field: "imageMaximumGCAge", ...duration },
  ImageMinimumGCAge: { field: "imageMinimumGCAge", ...duration },
  KubeReserved: { field: "kubeReserved", ...reservation },
  MaxPods: { field: "maxPods", ...wholeNumber },
  SystemReserved: { field: "systemReserved", ...reservation },
};

/**
 * Fields of KubeletConfiguration as annotated; lists replace the default as a whole.
 * @throws BootstrapError `InvalidMachine`: a kubelet would refuse to start, or silently run without the setting.
 */
export function kubeletOverrides(annotations: Readonly<Record<string, string>> = {}): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(annotations)) {
    if (!key.startsWith(KUBELET_CONFIG_PREFIX)) continue;
    const name = key.slice(KUBELET_CONFIG_PREFIX.length);
    const path = `metadata.annotations[${JSON.stringify(key)}]`;
    const override = Object.hasOwn(OVERRIDES, name) ? OVERRIDES[name] : undefined;
    if (override === undefined) {
      const nearest = nearestName(name, Object.keys(OVERRIDES));
      const known = nearest === undefined ? `one of ${Object.keys(OVERRIDES).join(", ")}` : nearest;
      throw new BootstrapError("InvalidMachine", `${path}: no such kubelet setting, expected ${known}`, { path });
    }
    const value = override.parse(text.trim());
    if (value === undefined) {
      const message = `${path}: ${JSON.stringify(text)} is not ${override.expected}`;
      throw new BootstrapError("InvalidMachine", message, { path });
    }
    fields[override.field] = value;
  }
  return fields;
}

/**
 * What kubelets annotated like this keep from pods, reservation by reservation, as quantities by resource; and the most
 * pods that they run, where it is set. @throws BootstrapError as `kubeletOverrides`
 */
export function kubeletShare(annotations: Readonly<Record<string, string>> = {}): {
  reserved: readonly Readonly<Record<string, string>>[];
  maxPods: number | undefined;
} {
  const {
    kubeReserved = RESERVED,
    systemReserved = RESERVED,
    maxPods,
  } = kubeletOverrides(annotations) as {
    kubeReserved?: Record<string, string>;
    systemReserved?: Record<string, string>;
    maxPods?: number;
  };
  return { reserved: [kubeReserved, systemReserved], maxPods };
}

function matching(pattern: RegExp): (text: string) => string | undefined {
  return (text) => (pattern.test(text) ? text : undefined);
}

function pairs(separator: string, value: RegExp): (text: string) => Record<string, string> | undefined {
  return (text) => {
    const entries = text.split(",").map((item) => item.split(separator).map((part) => part.trim()));
    const isValid = entries.every(([key, amount = "", ...rest]) => key && value.test(amount) && rest.length === 0);
    return isValid ? (Object.fromEntries(entries) as Record<string, string>) : undefined;
  };
}
