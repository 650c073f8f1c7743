/** What people do of their own accord: set a world up, act on it while it is busy, and in the end help where only they can. */
import { intentOf, recordOf } from "@machine-controller/api";
import { ANNOTATION_ABANDON, ANNOTATION_CONFIRM_GONE, API_VERSION } from "@machine-controller/api/well-known";
import { exists, lives } from "../clouds/cloud.ts";
import { HAPPENINGS } from "../faults/happenings.ts";
import { NAMESPACE } from "./cluster.ts";
import { ACCOUNT } from "./credentials.ts";
import { createRandom } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

const PATH = `/apis/cluster.k8s.io/v1alpha1/namespaces/${NAMESPACE}`;

export async function setUp(world: World): Promise<void> {
  const { scenario, cluster } = world;
  for (const deployment of scenario.deployments) await createDeployment(world, deployment);
  if (!scenario.hasLoneMachine) return;
  await cluster.request("POST", `${PATH}/machines`, {
    apiVersion: API_VERSION,
    kind: "Machine",
    metadata: { name: "lone", namespace: NAMESPACE },
    spec: machineSpec(world),
  });
  world.timeline.add("user", "creates Machine lone", "event");
}

export async function createDeployment(
  world: World,
  { name, replicas, strategy: type, maxSurge, maxUnavailable }: Scenario["deployments"][number],
  changes?: MachineSpecChanges,
): Promise<void> {
  await world.cluster.request("POST", `${PATH}/machinedeployments`, {
    apiVersion: API_VERSION,
    kind: "MachineDeployment",
    metadata: { name, namespace: NAMESPACE },
    spec: {
      replicas,
      selector: { matchLabels: { pool: name } },
      strategy: { type, ...(type === "RollingUpdate" && { rollingUpdate: { maxSurge, maxUnavailable } }) },
      template: { metadata: { labels: { pool: name } }, spec: machineSpec(world, changes) },
    },
  });
  world.timeline.add(
    "user",
    `creates MachineDeployment ${name}: ${replicas} replicas, ${type}, surge ${maxSurge}, unavailable ${maxUnavailable}`,
    "event",
  );
}

export type MachineSpecChanges = {
  /** Of the instance. */
  name?: string;
  config?: object;
  operatingSystem?: string;
  operatingSystemSpec?: object;
};

export const machineSpec = (
  { cloud, credentials }: World,
  { name, config, operatingSystem = "ubuntu", operatingSystemSpec }: MachineSpecChanges = {},
): object => ({
  ...(name !== undefined && { metadata: { name } }),
  providerSpec: {
    value: {
      cloudProvider: cloud.definition.name,
      cloudProviderSpec: { ...cloud.config, token: { secretKeyRef: credentials.reference }, ...config },
      operatingSystem,
      ...(operatingSystemSpec && { operatingSystemSpec }),
    },
  },
  versions: { kubelet: "1.36.2" },
});

/** Spreads what happens over the busy time. */
export function scheduleHappenings(world: World): void {
  const { scenario, scheduler, fates, timeline } = world;
  const weights = HAPPENINGS.reduce((sum, { weight }) => sum + weight, 0);
  const options = HAPPENINGS.map((value) => ({ name: value.name, probability: value.weight / weights, value }));
  for (let number = 1; number <= scenario.happenings; number += 1) {
    const id = `happening #${number}`;
    scheduler.after(500 + Math.floor(fates.draw(`${id} time`) * scenario.busyMs), () => {
      const happening = fates.choose(id, options);
      if (happening === undefined) return;
      happening
        .run(world, createRandom(`${scenario.seed}/${id}`))
        .then((what) => what !== undefined && timeline.add("people", `${happening.name} ${what}`, "fault"))
        .catch((error: unknown) => timeline.add("people", `${happening.name}: ${String(error)}`, "fault"));
    });
  }
}

/** Once nothing goes wrong any more: what only people can mend. */
export async function tidyUp(world: World): Promise<void> {
  const { cluster, cloud, wishes, scheduler, kubelets, timeline } = world;
  for (const { metadata, spec } of cluster.objects.machineDeployments.values()) {
    if (spec.paused && metadata.deletionTimestamp === undefined) {
      await cluster.request("PATCH", `${PATH}/machinedeployments/${metadata.name}`, { spec: { paused: null } });
    }
  }
  for (const machine of cluster.objects.machines.values()) {
    if (machine.metadata.deletionTimestamp !== undefined || !wishes.waitsForPerson(machine)) continue;
    wishes.deletedMachines.add(machine.metadata.uid ?? "");
    timeline.add("people", `user deletes Machine ${machine.metadata.name}, whose VM hangs`, "event");
    await cluster.request("DELETE", `${PATH}/machines/${machine.metadata.name}`);
  }
  const names = new Set([...cluster.objects.nodes.values()].map(({ metadata }) => metadata.name));
  for (const vm of cloud.vms) {
    if (!lives(vm, scheduler.now()) || names.has(vm.name) || wishes.hungVms.has(vm.id)) continue;
    timeline.add("people", `user restarts VM ${vm.name}, which has no Node`, "event");
    kubelets.hang(vm);
    kubelets.start(vm);
  }
}

/**
 * Answers what a doubting controller asks: whether an instance is really gone. Reads the question off the status, as a
 * person does, and the answer off the cloud's own console.
 */
export async function answerDoubts({ cluster, cloud, scheduler, timeline }: World): Promise<void> {
  for (const machine of cluster.objects.machines.values()) {
    const doubt = machine.status?.conditions?.find(({ message = "" }) => DOUBT.test(message));
    const { uid, annotations = {} } = machine.metadata;
    const answer = recordOf(machine)?.id ?? intentOf(machine)?.token;
    if (doubt === undefined || answer === undefined || annotations[ANNOTATION_CONFIRM_GONE] === answer) continue;
    const vm = cloud.vms.find((other) => exists(other, scheduler.now()) && other.machineUid === uid);
    if (vm !== undefined && vm.account === ACCOUNT) continue;
    if (vm !== undefined) {
      timeline.add("people", `user deletes VM ${vm.id} of ${vm.account} by hand`, "event");
      await cloud.lose(vm);
      continue;
    }
    timeline.add("people", `user confirms for Machine ${machine.metadata.name} that ${answer} is gone`, "event");
    const patch = { metadata: { annotations: { [ANNOTATION_CONFIRM_GONE]: answer } } };
    await cluster.request("PATCH", `${PATH}/machines/${machine.metadata.name}`, patch);
  }
}

const DOUBT = new RegExp(`${ANNOTATION_CONFIRM_GONE}=|${ANNOTATION_ABANDON}=true`);
