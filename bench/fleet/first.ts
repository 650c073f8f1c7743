/** The first Machine of a fleet: the controller makes it, and what stands for others is a copy of it. */
import type { Machine, MachineSet } from "@machine-controller/api";
import { machineDeployments, machines, machineSets } from "@machine-controller/controllers";
import { coreResources, type Node, type Secret } from "@machine-controller/kube-client";
import { setTimeout as sleep } from "node:timers/promises";
import type { FleetView } from "./fleet-view.ts";
import { deploymentOf, NAMESPACE } from "./manifests.ts";
import { type FleetSite, TOKEN } from "./site.ts";

export type First = {
  readonly machine: Machine;
  readonly machineSet: MachineSet;
  readonly node: Node;
  /** Its bootstrap token. */
  readonly secret: Secret;
};

/** Until counts of set and deployment are written, the one after the other. */
export const CALM_MS = 2_000;

/** The controller does not run afterwards. */
export async function makeFirst(
  { client, startController }: FleetSite,
  view: FleetView,
  signal: AbortSignal,
): Promise<First> {
  const controller = await startController();
  await client.create(machineDeployments, deploymentOf(1, TOKEN), { signal });
  await view.until("the first Machine", () => view.ready === 1);
  await sleep(CALM_MS, undefined, { signal });
  await controller.stop();

  const scope = { namespace: NAMESPACE, signal };
  const [machine] = (await client.listAll(machines, scope)).items;
  const [machineSet] = (await client.listAll(machineSets, scope)).items;
  const [node] = (await client.listAll(coreResources.nodes, { signal })).items;
  const tokens = { ...scope, fieldSelector: "type=bootstrap.kubernetes.io/token" };
  const [secret] = (await client.listAll(coreResources.secrets, tokens)).items;
  if (machine === undefined || machineSet === undefined || node === undefined || secret === undefined)
    throw new Error("the first Machine is gone, or what belongs to it");
  return { machine, machineSet, node, secret };
}
