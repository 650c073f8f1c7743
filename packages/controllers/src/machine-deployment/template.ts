/** Names Machine templates by meaning. */
import { createHash } from "node:crypto";
import { canonicalTemplate, type MachineTemplate } from "@machine-controller/api";

export { canonicalTemplate };

export const templateHash = (template: MachineTemplate): string =>
  String(createHash("sha256").update(canonicalTemplate(template)).digest().readUInt32BE());
