/** A cloud-init document, and its YAML: small, since clouds count the bytes of user data. */
import { stringify } from "yaml";

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
export function toCloudConfigYaml(document: CloudConfig): string {
  const yaml = stringify(document, {
    version: "1.1",
    blockQuote: "literal",
    lineWidth: 0,
    indentSeq: false,
    aliasDuplicateObjects: false,
  });
  return `#cloud-config\n${yaml}`;
}
