// Taking over from the Go implementation, and going back: nothing that runs is touched, and what is written here can be read there.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Machine, type MachineSet, recordOf } from "@machine-controller/api";
import { LABEL_TEMPLATE_HASH } from "@machine-controller/api/well-known";
import { machineDeployments, machines, machineSets } from "@machine-controller/controllers";
import type { KubeObject } from "@machine-controller/kube-client";
import type { ApiServerKind } from "../api-server.ts";
import type { ControllerProcess } from "../controller-process.ts";
import { assertSafe, type Fleet, NAME, NAMESPACE, openFleet } from "./fleet.ts";
import { type GoCluster, writeGoCluster } from "./go-objects.ts";

/** Finalizers that the Go implementation takes off again. */
const GO_FINALIZERS = [
  "foregroundDeletion",
  "kubermatic.io/cleanup-operating-system-configs",
  "machine-delete-finalizer",
  "machine-node-delete-finalizer",
];
/** Fields of its Machine; it drops all others when it writes. */
const GO_STATUS = [
  "addresses",
  "conditions",
  "errorMessage",
  "errorReason",
  "lastOperation",
  "lastUpdated",
  "nodeRef",
  "phase",
  "providerStatus",
  "versions",
];
const GO_CONDITION = ["lastHeartbeatTime", "lastTransitionTime", "message", "reason", "status", "type"];
const GO_SPEC = ["configSource", "metadata", "providerID", "providerSpec", "taints", "versions"];

export function describeTakeover(kind: ApiServerKind): void {
  describe(`takeover from the Go implementation, ${kind} API server`, () => {
    let fleet: Fleet;
    let cluster: GoCluster;
    let controller: ControllerProcess;
    let original: Awaited<ReturnType<typeof stateOf>>;
    before(async () => {
      fleet = await openFleet(kind);
      cluster = await writeGoCluster(fleet);
      original = await stateOf(fleet, cluster.running);
      controller = fleet.startController();
      await controller.printed(/caches are filled/);
    });
    after(() => fleet?.close());

    test("what runs is adopted, what was begun is finished, and nothing else is touched", async () => {
      const changesBefore = cluster.running.length + 1;
      await fleet.until("adopted", async () => {
        const all = await fleet.machines();
        const isFinished = all.length === cluster.running.length + 1 && all.every(({ status }) => status?.phase);
        return isFinished && all.every((machine) => recordOf(machine) !== undefined);
      });
      for (const machine of await fleet.machines()) {
        const server = [...fleet.servers.values()].find(({ name }) => name === machine.metadata.name);
        assert.equal(recordOf(machine)?.id, String(server?.id));
      }
      const changes = fleet.changes.slice(changesBefore).map((change) => change.replace(/\d+$/, "ID"));
      assert.deepEqual(changes.toSorted(), ["DELETE /v1/servers/ID", "POST /v1/servers"]);
      assert.deepEqual(await stateOf(fleet, cluster.running), original);
      assertSafe(fleet);
    });

    test("the Go implementation can read what is written", async () => {
      const { client, signal } = fleet;
      const deployment = await client.get(machineDeployments, { namespace: NAMESPACE, name: NAME }, { signal });
      const { items: sets } = await client.listAll<MachineSet>(machineSets, { namespace: NAMESPACE, signal });
      const all = await fleet.machines();
      assert.deepEqual([deployment, ...sets, ...all].flatMap(goProblems), []);
      // It knows a MachineSet's revision by the template alone, byte for byte; a difference would start a rollout.
      const current = sets.filter((set) => set.spec.replicas !== 0);
      assert.deepEqual(current.map(withoutHash), [JSON.stringify(deployment.spec.template)]);
    });

    test("back to the Go implementation and here again", async () => {
      assert.equal(await controller.stop(), 0);
      const state = await stateOf(fleet, cluster.running);
      const changes = fleet.changes.length;
      for (const machine of await fleet.machines()) await rewriteAsGo(fleet, machine);
      controller = fleet.startController();
      await controller.printed(/caches are filled/);
      // What it dropped is written again.
      await fleet.until("at rest", async () => (await fleet.machines()).every(({ status }) => status?.phase));
      assert.deepEqual(await stateOf(fleet, cluster.running), state);
      assert.equal(fleet.changes.length, changes);
      assertSafe(fleet);
    });
  });
}

/** What a takeover leaves as it is. */
async function stateOf(fleet: Fleet, running: readonly string[]): Promise<object> {
  const { client, signal } = fleet;
  const isRunning = ({ metadata }: KubeObject): boolean => running.includes(metadata.name ?? "");
  const identity = ({ metadata }: KubeObject): string => `${metadata.name} ${metadata.uid}`;
  const { items: deployments } = await client.listAll(machineDeployments, { namespace: NAMESPACE, signal });
  const { items: sets } = await client.listAll(machineSets, { namespace: NAMESPACE, signal });
  return {
    servers: [...fleet.servers.values()].filter(({ name }) => running.includes(name)),
    nodes: (await fleet.nodes()).filter(isRunning).map(identity),
    machines: (await fleet.machines()).filter(isRunning).map((machine) => [identity(machine), machine.spec]),
    sets: sets.map((set) => [identity(set), set.spec]),
    deployments: deployments.map((deployment) => [identity(deployment), deployment.spec]),
  };
}

/** What of an object the Go implementation does not know, or cannot read. */
function goProblems({ kind, metadata, ...object }: KubeObject): string[] {
  const unknown = (what: string, keys: readonly string[], known: readonly string[]): string[] =>
    keys.filter((key) => !known.includes(key)).map((key) => `${kind} ${metadata.name}: ${what} ${key}`);
  const finalizers = unknown("finalizer", metadata.finalizers ?? [], GO_FINALIZERS);
  // Conditions of a MachineDeployment and the like it drops, and loses nothing by it.
  if (kind !== "Machine") return finalizers;
  const { spec, status = {} } = object as unknown as Pick<Machine, "spec" | "status">;
  const conditions = status.conditions ?? [];
  const times = [status.lastUpdated, ...conditions.map(({ lastTransitionTime }) => lastTransitionTime)];
  return [
    ...finalizers,
    ...unknown("spec", Object.keys(spec), GO_SPEC),
    ...unknown("status", Object.keys(status), GO_STATUS),
    ...conditions.flatMap((condition) => unknown("condition", Object.keys(condition), GO_CONDITION)),
    ...times.filter((time) => time && Number.isNaN(Date.parse(time))).map((time) => `${metadata.name}: time ${time}`),
  ];
}

const withoutHash = ({ spec }: MachineSet): string => {
  const { [LABEL_TEMPLATE_HASH]: _, ...labels } = spec.template.metadata?.labels ?? {};
  return JSON.stringify({ ...spec.template, metadata: { ...spec.template.metadata, labels } });
};

/** It reads an object into its types and writes the whole back: annotations live, and of conditions the times stay or are null. */
async function rewriteAsGo({ client, signal }: Fleet, machine: Machine): Promise<void> {
  const { nodeRef, versions, addresses, conditions = [] } = machine.status ?? {};
  const typed = conditions.map((condition) => ({ lastHeartbeatTime: null, ...condition }));
  const status = { ...(nodeRef && { nodeRef }), ...(versions && { versions }), addresses, conditions: typed };
  await client.update(machines, { ...machine, status } as unknown as Machine, { signal });
}
