/** A small life: a world in which only what its script says happens, for every message and crash point to be tried in it. */
import { BOOTSTRAP_GROUP } from "@machine-controller/api/well-known";
import { lives as livesOn, type Vm } from "../../clouds/cloud.ts";
import { CLOUD_NAMES, type CloudName } from "../../clouds/registry.ts";
import { MESSAGE_FAULTS } from "../../faults/message-faults.ts";
import { NAMESPACE } from "../../world/cluster.ts";
import { machineSpec, type MachineSpecChanges } from "../../world/people.ts";
import type { Scenario } from "../../world/scenario.ts";
import type { World } from "../../world/world.ts";

export type Life = {
  readonly name: string;
  /** Where it can be led; default: everywhere. */
  readonly clouds?: readonly CloudName[];
  readonly scenario: Partial<Scenario>;
  /** `npm run models` strikes each of its messages with every fault. */
  readonly everyFault?: true;
  /** Message ID → fault, where the life is one of a fault. */
  readonly faults?: ReadonlyMap<string, string>;
  script(world: World): void;
};

export const cloudsOf = ({ clouds = CLOUD_NAMES }: Life): readonly CloudName[] => clouds;

export const scenarioOf = ({ name, scenario }: Life, cloud: CloudName): Scenario => ({
  seed: `model ${name} ${cloud}`,
  cloud,
  replicas: 1,
  serving: false,
  joinClusterTimeoutMs: undefined,
  updatesMetadataInPlace: false,
  keptRevisions: 400,
  deletionMs: undefined,
  deployments: [],
  hasLoneMachine: false,
  // Each may strike; the plan says which one does, and where.
  rates: new Map(MESSAGE_FAULTS.map((fault) => [fault.name, 1])),
  happenings: 0,
  busyMs: 30_000,
  ...scenario,
});

/** When Machines that were made at the start are surely Ready. */
export const READY_MS = 25_000;
export const POOL = { name: "pool-a", replicas: 1, maxSurge: 1, maxUnavailable: 0, strategy: "RollingUpdate" } as const;

const V1ALPHA1 = `/apis/cluster.k8s.io/v1alpha1/namespaces/${NAMESPACE}`;
export const pathOf = (plural: "machines" | "machinesets" | "machinedeployments", name: string): string =>
  `${V1ALPHA1}/${plural}/${name}`;

/** What a script does, which a life that a crash has made longer may have made impossible. */
export const at = (world: World, ms: number, effect: () => Promise<unknown>): void =>
  void world.scheduler.after(ms, () => void effect().catch(() => undefined));

export const patch = (world: World, path: string, body: object): Promise<unknown> =>
  world.cluster.request("PATCH", path, body);

export function deleteMachine(world: World, name: string): Promise<unknown> {
  for (const { metadata } of world.cluster.objects.machines.values())
    if (metadata.name === name) world.wishes.deletedMachines.add(metadata.uid ?? "");
  return world.cluster.request("DELETE", pathOf("machines", name));
}

export function createMachine(
  world: World,
  { metadata, spec }: { metadata?: object; spec?: MachineSpecChanges } = {},
): Promise<unknown> {
  return world.cluster.request("POST", `${V1ALPHA1}/machines`, {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: { name: "lone", namespace: NAMESPACE, ...metadata },
    spec: machineSpec(world, spec),
  });
}

export const livingVms = ({ cloud, scheduler }: World): Vm[] => cloud.vms.filter((vm) => livesOn(vm, scheduler.now()));

/** As the owner of the account, past the network: `POST /servers`. */
export async function asOwner<T>(world: World, call: string, body?: object): Promise<T> {
  const [method = "", path = ""] = call.split(" ");
  const headers = { authorization: `Bearer ${world.credentials.current}`, "content-type": "application/json" };
  const url = world.cloud.definition.endpoint.url + path;
  const request = new Request(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const answer = await world.cloud.endpoint.handle(request);
  world.powerOn();
  if (!answer.ok) throw new Error(`${call}: ${await answer.text()}`);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/** What somebody made by hand or another program did, with that mark and user data. @returns its ID. */
export async function createVm(
  world: World,
  { name, mark, userData = "" }: { name: string; mark?: string; userData?: string },
): Promise<string> {
  if (world.scenario.cloud === "hetzner") {
    const labels = mark === undefined ? {} : { "machine-uid": mark };
    const body = { name, server_type: "cx23", location: "fsn1", image: "ubuntu-24.04", user_data: userData, labels };
    const { server } = await asOwner<{ server: { id: number } }>(world, "POST /servers", body);
    return String(server.id);
  }
  const { instance } = await asOwner<{ instance: { id: string } }>(world, "POST /instances", {
    name,
    ...(mark !== undefined && { mark, token: mark }),
    cluster: "",
    userData,
  });
  return instance.id;
}

export const deleteVm = (world: World, id: string): Promise<unknown> =>
  asOwner(world, `DELETE /${world.scenario.cloud === "hetzner" ? "servers" : "instances"}/${id}`);

export const createBootstrapToken = (world: World, { id, secret }: { id: string; secret: string }): Promise<unknown> =>
  world.cluster.request("POST", "/api/v1/namespaces/kube-system/secrets", {
    apiVersion: "v1",
    kind: "Secret",
    type: "bootstrap.kubernetes.io/token",
    metadata: { name: `bootstrap-token-${id}` },
    stringData: {
      "token-id": id,
      "token-secret": secret,
      "usage-bootstrap-authentication": "true",
      "auth-extra-groups": BOOTSTRAP_GROUP,
    },
  });
