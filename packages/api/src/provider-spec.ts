/** The envelope `spec.providerSpec.value`: what every cloud has in common around its own `cloudProviderSpec`. */
import { Type, type Static } from "typebox";
import { AnyObject } from "./schema.ts";

export const OPERATING_SYSTEMS = ["ubuntu", "amzn2", "rhel", "flatcar", "rockylinux"] as const;
export type OperatingSystem = (typeof OPERATING_SYSTEMS)[number];

export const IP_FAMILIES = ["", "IPv4", "IPv6", "IPv4+IPv6", "IPv6+IPv4"] as const;

export const NetworkSpec = Type.Object(
  {
    cidr: Type.Optional(Type.String()),
    gateway: Type.Optional(Type.String()),
    dns: Type.Optional(
      Type.Object({ servers: Type.Optional(Type.Array(Type.String())) }, { additionalProperties: false }),
    ),
    ipFamily: Type.Optional(
      Type.Enum([...IP_FAMILIES], { description: "IPv4 (the default), IPv6, IPv4+IPv6 or IPv6+IPv4." }),
    ),
  },
  { additionalProperties: false, description: "Static addresses and the IP family of the instance." },
);

/** Unknown fields are errors here (and keys match in any case), as in the Go implementation's strict decoder. */
export const ProviderSpec = Type.Object(
  {
    sshPublicKeys: Type.Optional(
      Type.Array(Type.String(), { description: "Public keys, one authorized_keys line each, for the image's user." }),
    ),
    caPublicKey: Type.Optional(Type.String({ description: "Public key of an SSH certificate authority." })),
    cloudProvider: Type.String({ description: "Name of the cloud." }),
    cloudProviderSpec: AnyObject({ description: "Settings of that cloud." }),
    operatingSystem: Type.Enum([...OPERATING_SYSTEMS], { description: "Operating system of the node." }),
    operatingSystemSpec: Type.Optional(AnyObject({ description: "Settings of that operating system." })),
    network: Type.Optional(NetworkSpec),
    overwriteCloudConfig: Type.Optional(
      Type.String({ description: "Replaces the generated /etc/kubernetes/cloud-config of the node." }),
    ),
  },
  { additionalProperties: false },
);
export type ProviderSpec = Static<typeof ProviderSpec>;

/** `operatingSystemSpec` where a manifest leaves it out. */
export const DEFAULT_OPERATING_SYSTEM_SPECS: Readonly<Record<OperatingSystem, Record<string, unknown>>> = {
  ubuntu: { distUpgradeOnBoot: false },
  amzn2: { distUpgradeOnBoot: false },
  rockylinux: { distUpgradeOnBoot: false },
  flatcar: {
    disableAutoUpdate: false,
    disableLocksmithD: false,
    disableUpdateEngine: false,
    provisioningUtility: "ignition",
  },
  rhel: {
    distUpgradeOnBoot: false,
    attachSubscription: false,
    rhelUseSatelliteServer: false,
    rhelSatelliteServer: "",
    rhelOrganizationName: "",
    rhelActivationKey: "",
  },
};
