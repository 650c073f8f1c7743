/** Lives of one Machine. */
import {
  ANNOTATION_ABANDON,
  ANNOTATION_INITIALIZERS,
  FINALIZER_INSTANCE,
  FINALIZER_NODE,
  LABEL_NODE_OWNER,
} from "@machine-controller/api/well-known";
import {
  at,
  createBootstrapToken,
  createMachine,
  createVm,
  deleteMachine,
  deleteVm,
  type Life,
  livingVms,
  patch,
  pathOf,
  READY_MS,
} from "./life.ts";
import type { World } from "../../world/world.ts";

const HOUR_MS = 3_600_000;
const TOKEN = { id: "abcdef", secret: "0123456789abcdef" };
const CREATIONS = [
  "plain-token POST instances",
  "plain-name POST instances",
  "plain-tag POST instances",
  "hetzner POST servers",
];
const creation = (fault: string): ReadonlyMap<string, string> =>
  new Map(CREATIONS.map((call) => [`controller-a → ${call} #1`, fault]));
const CREATION_LOST = creation("crash, request late");
const LONE = pathOf("machines", "lone");

/** It keeps no intent and no record, and marks its instances with the UID. */
function madeByGo(world: World): void {
  const finalizers = [FINALIZER_INSTANCE, FINALIZER_NODE];
  const annotations = { [ANNOTATION_INITIALIZERS]: "not yet" };
  at(world, 0, () => createMachine(world, { metadata: { finalizers, annotations } }));
  at(world, 200, async () => {
    await createBootstrapToken(world, TOKEN);
    const [mark = ""] = world.cluster.objects.machines.keys();
    await createVm(world, { name: "lone", mark, userData: `token: ${TOKEN.id}.${TOKEN.secret}` });
  });
}

const handOver = (world: World): Promise<unknown> =>
  patch(world, LONE, { metadata: { annotations: { [ANNOTATION_INITIALIZERS]: null } } });

/** As the Go implementation leaves a Node. */
function owned(world: World): Promise<unknown> {
  const [owner = ""] = world.cluster.objects.machines.keys();
  return patch(world, "/api/v1/nodes/lone", { metadata: { labels: { [LABEL_NODE_OWNER]: owner } } });
}

export const MACHINE_LIVES: readonly Life[] = [
  { name: "create", everyFault: true, scenario: { hasLoneMachine: true, busyMs: 25_000 }, script: () => {} },
  {
    name: "replace",
    everyFault: true,
    scenario: { hasLoneMachine: true, busyMs: 150_000 },
    script: (world) => at(world, READY_MS, async () => livingVms(world).map((vm) => world.cloud.lose(vm))),
  },
  {
    // What a request does that was long under way: the Node hardly notices.
    name: "its instance vanishes, and there is another",
    scenario: { hasLoneMachine: true, busyMs: 150_000 },
    script(world) {
      at(world, READY_MS, async () => {
        const [vm] = livingVms(world);
        if (vm === undefined) return;
        const { name, machineUid: mark = "", userData } = vm;
        await world.cloud.lose(vm);
        at(world, 1_000, () => createVm(world, { name, mark, userData }));
      });
    },
  },
  {
    // On a cloud with tokens it forgets them with the instance.
    name: "lose it while a request is under way",
    scenario: { hasLoneMachine: true, busyMs: 150_000 },
    faults: creation("request late"),
    script: (world) => at(world, 3_000, async () => livingVms(world).map((vm) => world.cloud.lose(vm))),
  },
  {
    name: "delete",
    everyFault: true,
    scenario: { hasLoneMachine: true, busyMs: 60_000 },
    script: (world) => at(world, READY_MS, () => deleteMachine(world, "lone")),
  },
  {
    name: "delete while it is created",
    everyFault: true,
    scenario: { hasLoneMachine: true, busyMs: 60_000 },
    script: (world) => at(world, 400, () => deleteMachine(world, "lone")),
  },
  {
    name: "delete while it is created twice",
    clouds: ["hetzner", "plain-name"],
    scenario: { hasLoneMachine: true, busyMs: 60_000 },
    faults: creation("request twice"),
    script: (world) => at(world, 400, () => deleteMachine(world, "lone")),
  },
  {
    name: "delete after a lost answer",
    scenario: { busyMs: 60_000 },
    faults: CREATION_LOST,
    script(world) {
      at(world, 0, () => createMachine(world));
      at(world, 2_000, () => deleteMachine(world, "lone"));
    },
  },
  {
    name: "create, and die while asking for it",
    scenario: { hasLoneMachine: true, busyMs: 90_000 },
    faults: CREATION_LOST,
    script: () => {},
  },
  {
    name: "delete, and the cloud takes its time",
    scenario: { hasLoneMachine: true, deletionMs: 20_000, busyMs: 90_000 },
    script: (world) => at(world, READY_MS, () => deleteMachine(world, "lone")),
  },
  {
    name: "delete, and the cloud does it at the second time only",
    clouds: ["plain-token", "plain-name", "plain-tag"],
    scenario: { hasLoneMachine: true, deletionMs: 8_000, busyMs: 90_000 },
    script(world) {
      world.cloud.failNextDeletion?.();
      at(world, READY_MS, () => deleteMachine(world, "lone"));
    },
  },
  {
    name: "create while the cloud's reads fail",
    clouds: ["plain-token", "plain-name", "plain-tag"],
    scenario: { hasLoneMachine: true, busyMs: 150_000 },
    faults: creation("reply lost"),
    script: (world) => world.spell({ to: "cloud", fault: "cloud 503", method: "GET", about: /instances/ }, 100_000),
  },
  {
    // Longer than its Lease lasts and requests take to settle: a successor has asked by then.
    name: "a leader stands still between deciding and asking",
    clouds: ["plain-tag"],
    scenario: { replicas: 2, busyMs: 150_000 },
    script(world) {
      let isFirst = true;
      // A credential that is not read from anywhere, so that nothing but the answer of the cloud is waited for.
      at(world, 0, () => createMachine(world, { spec: { config: { token: world.credentials.current } } }));
      world.onDecision((_machine, { kind }, process) => {
        if (kind !== "create" || !isFirst) return;
        isFirst = false;
        process.freeze(90_000);
      });
    },
  },
  {
    name: "delete with the token of another account",
    scenario: { hasLoneMachine: true, busyMs: 150_000 },
    script(world) {
      at(world, READY_MS, () => world.credentials.mistake());
      at(world, READY_MS + 1_000, () => deleteMachine(world, "lone"));
      at(world, READY_MS + 90_000, () => world.credentials.restore());
    },
  },
  {
    // And a person is asked what there is before the request arrives.
    name: "die while asking with the token of another account",
    scenario: { busyMs: 3_000 },
    faults: CREATION_LOST,
    script(world) {
      at(world, 0, async () => {
        await world.credentials.mistake();
        await createMachine(world);
      });
      at(world, 2_500, () => world.credentials.restore());
    },
  },
  {
    name: "its name is somebody else's",
    clouds: ["hetzner", "plain-name"],
    scenario: { hasLoneMachine: true, busyMs: 120_000 },
    script(world) {
      let id = "";
      at(world, 0, async () => (id = await createVm(world, { name: "lone" })));
      at(world, 60_000, () => deleteVm(world, id));
    },
  },
  {
    name: "two of one name",
    clouds: ["hetzner", "plain-name"],
    scenario: { hasLoneMachine: true, busyMs: 120_000 },
    script(world) {
      at(world, 0, () => createMachine(world, { metadata: { name: "twin" }, spec: { name: "lone" } }));
      at(world, 60_000, () => deleteMachine(world, "twin"));
    },
  },
  {
    name: "adopt what the Go implementation made",
    scenario: { busyMs: 90_000 },
    script(world) {
      madeByGo(world);
      at(world, 300, () => handOver(world));
    },
  },
  {
    name: "adopt what the Go implementation made while the cloud's reads fail",
    clouds: ["plain-token", "plain-name", "plain-tag"],
    scenario: { busyMs: 150_000 },
    script(world) {
      madeByGo(world);
      at(world, 300, () => handOver(world));
      world.spell({ to: "cloud", fault: "cloud 503", method: "GET", about: /instances/ }, 100_000);
    },
  },
  {
    name: "adopt what the Go implementation made, and the cloud shows nothing",
    scenario: { busyMs: 150_000 },
    script(world) {
      madeByGo(world);
      at(world, READY_MS, () => owned(world));
      at(world, READY_MS + 1_000, () => handOver(world));
      at(world, READY_MS, async () => world.cloud.showNothing(60_000));
    },
  },
  {
    name: "delete what the Go implementation made, and the cloud shows nothing",
    scenario: { busyMs: 150_000 },
    script(world) {
      madeByGo(world);
      at(world, READY_MS, () => owned(world));
      at(world, READY_MS + 1_000, () => deleteMachine(world, "lone"));
      at(world, READY_MS, async () => world.cloud.showNothing(60_000));
    },
  },
  {
    name: "abandon",
    scenario: { hasLoneMachine: true, busyMs: 60_000 },
    script: (world) =>
      at(world, READY_MS, async () => {
        for (const uid of world.cluster.objects.machines.keys()) world.wishes.freed.add(uid);
        await patch(world, LONE, { metadata: { annotations: { [ANNOTATION_ABANDON]: "true" } } });
        await deleteMachine(world, "lone");
      }),
  },
  {
    name: "mend a spec",
    clouds: ["hetzner"],
    scenario: { busyMs: 120_000 },
    script(world) {
      at(world, 0, () => createMachine(world, { spec: { config: { serverType: "cx99" } } }));
      at(world, 70_000, () =>
        patch(world, LONE, { spec: { providerSpec: { value: { cloudProviderSpec: world.cloud.config } } } }),
      );
    },
  },
  {
    name: "wait for an hour to be created",
    scenario: { busyMs: 1.1 * HOUR_MS },
    script(world) {
      world.cloud.refuseCreation("sold out");
      at(world, 0, () => createMachine(world));
      at(world, HOUR_MS, async () => world.cloud.refuseCreation(undefined));
    },
  },
];
