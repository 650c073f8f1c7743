// What a person wants to see when a scenario did not get on.
import { stringify } from "yaml";
import { eventsOf, machinesLabelled } from "./cluster.ts";
import type { Site } from "./site.ts";

const CONSOLE_LINES = 30;

/** Machines, their Events, and the consoles of simulated VMs. Never throws: it must not hide the failure. */
export async function describeState(site: Site, deployment: string): Promise<string> {
  const patient = { ...site, signal: AbortSignal.any([site.signal, AbortSignal.timeout(10_000)]) };
  try {
    const parts: string[] = [];
    for (const machine of await machinesLabelled(patient, deployment)) {
      parts.push(stringify({ ...machine, metadata: { ...machine.metadata, managedFields: undefined } }));
      for (const { type, reason, message } of await eventsOf(patient, machine)) {
        parts.push(`Event ${type} ${reason}: ${message}`);
      }
    }
    const text = [`----- ${deployment}`, ...parts, ...(await consoles(patient, deployment)), "-----"].join("\n");
    return Object.values(site.access).reduce((shown, secret) => shown.replaceAll(secret, "[redacted]"), text);
  } catch (error) {
    return `----- ${deployment}: its state cannot be read (${String(error)})`;
  }
}

async function consoles({ isSimulated, cloudApi, signal }: Site, deployment: string): Promise<string[]> {
  if (!isSimulated) return [];
  const response = await fetch(new URL("/_simulator/machines", cloudApi), { signal });
  const vms = (await response.json()) as { name: string; isOn: boolean; console: string[] }[];
  return vms
    .filter(({ name }) => name.startsWith(`${deployment}-`))
    .map(({ name, isOn, console }) =>
      [`VM ${name} (${isOn ? "on" : "off"})`, ...console.slice(-CONSOLE_LINES)].join("\n  "),
    );
}
