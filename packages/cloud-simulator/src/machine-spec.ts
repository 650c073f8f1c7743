/** What the cloud gave a simulated machine. */

export type MachineAddress = { type: "InternalIP" | "ExternalIP"; address: string };

export type MachineSpec = {
  /** Unique within the simulator. */
  id: string;
  /** The host name unless user data sets another. */
  name: string;
  userData: string;
  addresses: readonly MachineAddress[];
  cpus: number;
  memoryMiB: number;
  diskGiB: number;
  architecture: "amd64" | "arm64";
  /** E.g. `Ubuntu 24.04 LTS`. */
  osImage: string;
};

/** Private before public. */
export function primaryAddress(machine: MachineSpec): string | undefined {
  const { addresses } = machine;
  return (addresses.find(({ type }) => type === "InternalIP") ?? addresses[0])?.address;
}
