/**
 * Fills in a document that an operating-system-manager left for all Machines of a MachineDeployment: the name as it
 * stands and, inside Ignition's data URLs, escaped. Lines of nothing but blanks, which templates leave behind, are emptied.
 */
export function fillPlaceholders(cloudConfig: string, machineName: string): string {
  return cloudConfig
    .replaceAll("<MACHINE_NAME>", () => machineName)
    .replaceAll("%3CMACHINE_NAME%3E", () => encodeURIComponent(machineName))
    .replaceAll(/^[ \t]+$/gm, "");
}
