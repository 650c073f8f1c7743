import { type Machine, type MachineDeployment, resolveIntOrPercent } from "@machine-controller/api";
import { LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import type { Invariant } from "./invariant.ts";
import {
  createRecent,
  createTakenAway,
  isByController,
  isDeleting,
  isNodeReady,
  isStraggler,
  ownerUid,
  targetOf,
} from "./observed.ts";

export const rolloutsKeepTheirLimits: Invariant = {
  name: "rollouts keep their limits",
  promise:
    "No Machine is created beyond replicas + maxSurge, and none that serves is deleted below replicas - maxUnavailable, " +
    "whatever of the spec and of the Machines the controller can have known.",
  when: "always",
  watch(world) {
    const { cluster, onEffect, wishes } = world;
    const { machines, machineSets } = cluster.objects;
    const specs = createRecent<MachineDeployment["spec"]>(world);
    const deploymentOfSet = new Map<string, string>();
    /** UID of a Machine → whether its Node was Ready. */
    const wasReady = createRecent<boolean>(world);
    const takenAway = createTakenAway(world);
    const byName = new Map<string, Machine>();
    /** UIDs of Machines that nobody waited for any more when their creation arrived. */
    const unexpected = new Set<string>();
    let broken: string | undefined;

    const deploymentOf = (machine: Machine): string => deploymentOfSet.get(ownerUid(machine) ?? "") ?? "";
    const siblings = (deployment: string): Machine[] =>
      [...machines.values()].filter((machine) => !isDeleting(machine) && deploymentOf(machine) === deployment);
    const limits = (deployment: string): { most: number; least: number } => {
      const bounds = specs.of(deployment).map((spec) => limitsOf(spec));
      return {
        most: Math.max(...bounds.map(({ most }) => most)),
        least: Math.min(...bounds.map(({ least }) => least)),
      };
    };

    cluster.onChange(({ kind, type, object }) => {
      const uid = object.metadata.uid ?? "";
      if (kind === "machineDeployments") {
        specs.note(uid, type === "DELETED" || isDeleting(object) ? { ...specOf(object), replicas: 0 } : specOf(object));
      }
      if (kind === "machineSets") deploymentOfSet.set(uid, ownerUid(object) ?? "");
      if (kind === "nodes") {
        const owner = object.metadata.labels?.[LABEL_NODE_OWNER] ?? "";
        wasReady.note(owner, type !== "DELETED" && isNodeReady(object));
      }
      if (kind !== "machines") return;
      const machine = object as unknown as Machine;
      byName.set(machine.metadata.name ?? "", machine);
      // Whether a Node is its own nobody knows before that is written on it, however long the Node has been Ready.
      if (type === "ADDED") wasReady.note(uid, false);
    });
    onEffect(({ message, status, text }) => {
      if (message.method !== "POST" || status !== 201 || !/\/machines(\?|$)/.test(message.path)) return;
      if (!isByController(message)) return;
      const { metadata, ...rest } = JSON.parse(text) as Machine;
      const { uid = "" } = metadata;
      // Of a request that was given up, and that is still under way, nobody can know.
      if (isStraggler(message, world)) return void unexpected.add(uid);
      const deployment = deploymentOf({ metadata, ...rest });
      const others = siblings(deployment).flatMap(({ metadata }) => metadata.uid ?? []);
      const count = others.filter((other) => other !== uid && !unexpected.has(other)).length + 1;
      if (deployment === "" || count <= limits(deployment).most) return;
      broken ??= `Machine ${metadata.name} makes ${count} of its MachineDeployment; at most ${limits(deployment).most} may be`;
    });
    onEffect(({ message, status }) => {
      const name = message.method === "DELETE" && status < 300 ? targetOf(message, "machines") : undefined;
      const machine = byName.get(name ?? "");
      if (machine === undefined || !isByController(message) || isStraggler(message, world)) return;
      if (!machineSets.has(ownerUid(machine) ?? "")) return;
      const deployment = deploymentOf(machine);
      const readiness = wasReady.of(machine.metadata.uid ?? "");
      const serves = readiness.length > 0 && readiness.every(Boolean);
      if (deployment === "" || !serves || wishes.deletedMachines.has(machine.metadata.uid ?? "")) return;
      const left = siblings(deployment).filter(({ metadata }) => wasReady.of(metadata.uid ?? "").includes(true)).length;
      const { least } = limits(deployment);
      if (left + takenAway() < least)
        broken ??= `Machine ${name} serves and is deleted: ${left} are left, at least ${least} have to be`;
    });
    return () => broken;
  },
};

const specOf = (object: object): MachineDeployment["spec"] => (object as MachineDeployment).spec;

function limitsOf({ replicas = 1, strategy }: MachineDeployment["spec"]): { most: number; least: number } {
  if (strategy?.type === "Recreate") return { most: replicas, least: 0 };
  if (strategy?.type === "OnDelete") return { most: replicas, least: replicas };
  const { maxSurge = 1, maxUnavailable = 0 } = strategy?.rollingUpdate ?? {};
  const surge = resolveIntOrPercent(maxSurge, replicas, "up");
  const wanted = resolveIntOrPercent(maxUnavailable, replicas, "down");
  return { most: replicas + surge, least: replicas - (surge === 0 && wanted === 0 ? 1 : wanted) };
}
