/** A cloud-init document, and its YAML: small, since clouds count the bytes of user data. */
import { stringify } from "yaml";
import { remembered } from "./remembered.ts";

export type NodeFile = { path: string; /** Octal, four digits. */ permissions: string; content: string };

/** The keys of cloud-init's schema that are used here, in the order in which they are written. */
export type CloudConfig = {
  hostname?: string;
  ssh_pwauth?: boolean;
  ssh_authorized_keys?: readonly string[];
  package_upgrade?: boolean;
  package_reboot_if_required?: boolean;
  write_files?: readonly NodeFile[];
  /** Lines for the shell, after everything else. */
  runcmd?: readonly string[];
};

/** cloud-init reads YAML 1.1, where an unquoted 0644 is a number and `on` is a boolean. */
const YAML_OPTIONS = {
  version: "1.1",
  blockQuote: "literal",
  lineWidth: 0,
  indentSeq: false,
  aliasDuplicateObjects: false,
} as const;

export function toCloudConfigYaml(document: CloudConfig): string {
  const parts = Object.entries(document).map(([key, value]) =>
    key === "write_files"
      ? `${key}:\n${(value as readonly NodeFile[]).map(toItem).join("")}`
      : stringify({ [key]: value }, YAML_OPTIONS),
  );
  return `#cloud-config\n${parts.join("")}`;
}

/** A file as an item of a list at the beginning of the line. */
const toItem = remembered((nodeFile: NodeFile): string => stringify([nodeFile], YAML_OPTIONS));
