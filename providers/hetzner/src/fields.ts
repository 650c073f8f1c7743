/** The settings of a Hetzner machine, and the rules between them that need no cloud. */
import {
  booleanField,
  CONFIG_PATH,
  labelsField,
  type Resolved,
  stringField,
  stringsField,
  TerminalError,
} from "@machine-controller/provider";

export const credential = {
  token: stringField({
    description: "API token of the project, with read and write permission.",
    env: "HZ_TOKEN",
    secret: true,
    required: true,
  }),
};

export const config = {
  serverType: stringField({
    description: "Name or ID of the server type; its architecture picks the image.",
    required: true,
    example: "cx23",
  }),
  location: stringField({ description: "Name or ID of the location; Hetzner chooses if unset.", example: "nbg1" }),
  datacenter: stringField({ description: "Deprecated: set location. Gives the location before its first hyphen." }),
  image: stringField({
    description: "Name or ID of the image or snapshot; by operating system if unset.",
    example: "ubuntu-24.04",
  }),
  placementGroupPrefix: stringField({
    description: "Spreads the servers over hosts, in placement groups of this name prefix which are made as needed.",
    example: "workers",
  }),
  networks: stringsField({ description: "Names or IDs of private networks to attach.", example: ["network-1"] }),
  firewalls: stringsField({ description: "Names or IDs of firewalls to apply.", example: ["firewall-1"] }),
  labels: labelsField({ description: "Labels of the server.", example: { team: "platform" } }),
  assignPublicIPv4: booleanField({ description: "Gives the server a public IPv4 address.", default: true }),
  assignPublicIPv6: booleanField({ description: "Gives the server a public IPv6 network.", default: true }),
};
export type Config = Resolved<typeof config>;

/** Image by operating system; the same name exists for both architectures. */
export const operatingSystems = { ubuntu: "ubuntu-24.04", rockylinux: "rocky-9" } as const;

/** Replaces a literal `datacenter` by its location. References are left for `locationOf`. @throws TerminalError */
export function addDefaults(spec: Record<string, unknown>): Record<string, unknown> {
  const datacenter = literal(spec["datacenter"]);
  if (datacenter === "") return spec;
  return { ...spec, location: locationOf({ datacenter, location: literal(spec["location"]) }), datacenter: "" };
}

/** The location asked for, `""` if none is. @throws TerminalError */
export function locationOf({ datacenter, location }: Pick<Config, "datacenter" | "location">): string {
  if (datacenter === "") return location;
  if (location !== "") {
    throw invalid("datacenter", `"${datacenter}" and location "${location}" are both set; remove datacenter`);
  }
  if (/^\d+$/.test(datacenter)) {
    throw invalid(
      "datacenter",
      `"${datacenter}" is an ID, which has no location in it; set location, for example "nbg1"`,
    );
  }
  const [prefix = ""] = datacenter.split("-");
  if (prefix === "")
    throw invalid("datacenter", `"${datacenter}" does not begin with a location; set location instead`);
  return prefix;
}

/** @throws TerminalError */
export function validateConfig(config: Config): void {
  locationOf(config);
  if (!config.assignPublicIPv4 && !config.assignPublicIPv6 && config.networks.length === 0) {
    throw invalid(
      "assignPublicIPv4",
      "false, assignPublicIPv6 is false too and networks is empty: the server would have no address; set one of them",
    );
  }
}

/** An error at a field of `cloudProviderSpec`. */
export const invalid = (field: string, message: string): TerminalError =>
  new TerminalError("InvalidConfiguration", `${CONFIG_PATH}.${field}: ${message}`);

function literal(raw: unknown): string {
  if (typeof raw === "string" || typeof raw === "number") return String(raw);
  const object = (raw ?? {}) as { value?: string; secretKeyRef?: unknown; configMapKeyRef?: unknown };
  return object.secretKeyRef || object.configMapKeyRef ? "" : (object.value ?? "");
}
