/** Lives of a MachineDeployment and its Machines. */
import { ANNOTATION_AUTOSCALER_MAX_SIZE } from "@machine-controller/api/well-known";
import { at, deleteMachine, type Life, livingVms, patch, pathOf, POOL, READY_MS } from "./life.ts";
import type { World } from "../../world/world.ts";

const DEPLOYMENT = pathOf("machinedeployments", POOL.name);
const roll = (world: World, kubelet = "1.36.5"): Promise<unknown> =>
  patch(world, DEPLOYMENT, { spec: { template: { spec: { versions: { kubelet } } } } });
const scale = (world: World, replicas: number): Promise<unknown> => patch(world, DEPLOYMENT, { spec: { replicas } });
const firstMachine = ({ cluster }: World): string =>
  [...cluster.objects.machines.values()].map(({ metadata }) => metadata.name ?? "").toSorted()[0] ?? "";
/** Its VM may stay behind. @returns the Machine's name. */
function freeFirstMachine(world: World): string {
  const name = firstMachine(world);
  for (const { metadata } of world.cluster.objects.machines.values())
    if (metadata.name === name) world.wishes.freed.add(metadata.uid ?? "");
  return name;
}
const setsOf = ({ cluster }: World) => [...cluster.objects.machineSets.values()];

export const POOL_LIVES: readonly Life[] = [
  {
    name: "roll",
    scenario: { deployments: [POOL], busyMs: 70_000, serving: true },
    script: (world) => at(world, READY_MS, () => roll(world)),
  },
  {
    name: "roll three",
    clouds: ["plain-token"],
    scenario: { deployments: [{ ...POOL, replicas: 3 }], busyMs: 300_000 },
    // Long after all of them are Ready: what they were before then is no excuse any more.
    script: (world) => at(world, 160_000, () => roll(world)),
  },
  {
    name: "roll twice, keep one revision, go back",
    clouds: ["plain-token"],
    scenario: { deployments: [POOL], busyMs: 180_000 },
    script(world) {
      at(world, READY_MS, () => roll(world, "1.36.5"));
      at(world, READY_MS * 3, () => roll(world, "1.36.6"));
      at(world, READY_MS * 5, () => patch(world, DEPLOYMENT, { spec: { revisionHistoryLimit: 0 } }));
      at(world, READY_MS * 6, () => roll(world, "1.36.5"));
    },
  },
  {
    name: "roll on delete",
    clouds: ["plain-token", "hetzner"],
    scenario: { deployments: [{ ...POOL, replicas: 2, strategy: "OnDelete" }], busyMs: 150_000 },
    script(world) {
      at(world, READY_MS, () => roll(world));
      at(world, READY_MS + 20_000, () => deleteMachine(world, firstMachine(world)));
    },
  },
  {
    name: "recreate",
    clouds: ["plain-token", "hetzner"],
    scenario: { deployments: [{ ...POOL, replicas: 2, strategy: "Recreate" }], busyMs: 120_000 },
    script: (world) => at(world, READY_MS, () => roll(world)),
  },
  {
    name: "change labels in place",
    clouds: ["plain-token"],
    scenario: { deployments: [POOL], updatesMetadataInPlace: true, busyMs: 60_000 },
    script: (world) =>
      at(world, READY_MS, () =>
        patch(world, DEPLOYMENT, { spec: { template: { spec: { metadata: { labels: { tier: "gold" } } } } } }),
      ),
  },
  {
    // Without an intent it has no finalizer, so that it goes at once.
    name: "a Machine is deleted of which nothing could be made",
    clouds: ["plain-token", "hetzner"],
    scenario: { deployments: [POOL], busyMs: 90_000 },
    script(world) {
      at(world, 0, () => world.credentials.revoke());
      at(world, 2_000, () => deleteMachine(world, firstMachine(world)));
      at(world, READY_MS, () => world.credentials.restore());
    },
  },
  {
    name: "a Machine is let out and taken back",
    clouds: ["plain-token"],
    scenario: { deployments: [POOL], busyMs: 90_000 },
    script(world) {
      const label = (pool: string) => async (): Promise<void> => {
        const name = firstMachine(world);
        for (const uid of world.cluster.objects.machines.keys()) world.wishes.released.add(uid);
        await patch(world, pathOf("machines", name), { metadata: { labels: { pool } } });
      };
      let name = "";
      at(world, READY_MS, async () => {
        name = firstMachine(world);
        await label("other")();
      });
      at(world, READY_MS * 2, () =>
        patch(world, pathOf("machines", name), { metadata: { labels: { pool: POOL.name } } }),
      );
    },
  },
  {
    name: "a MachineSet is let out, and its name is taken",
    clouds: ["plain-token"],
    scenario: { deployments: [POOL], busyMs: 120_000 },
    script: (world) =>
      at(world, READY_MS, async () => {
        const [set] = setsOf(world);
        const labels = { pool: "other" };
        await patch(world, pathOf("machinesets", set?.metadata.name ?? ""), {
          metadata: { labels },
          spec: { replicas: 0 },
        });
      }),
  },
  {
    name: "an answer is lost and the watch is behind",
    clouds: ["plain-token"],
    scenario: { deployments: [POOL], busyMs: 60_000 },
    faults: new Map([
      ["controller-a → kube GET machinesets/watch #1", "watch lags"],
      ["controller-a → kube GET machines/watch #1", "watch lags"],
      ["controller-a → kube POST machinesets #1", "reply lost"],
      ["controller-a → kube POST machines #1", "reply lost"],
    ]),
    script: () => {},
  },
  {
    name: "a creation is not shown for long",
    clouds: ["plain-token"],
    scenario: { deployments: [POOL], busyMs: 60_000 },
    faults: new Map(
      [1, 2].map((number) => [`controller-a → kube GET machines/watch #${number}`, "request lost silently"]),
    ),
    script: () => {},
  },
  {
    name: "roll while the MachineSet made last is not shown",
    clouds: ["plain-token"],
    scenario: { deployments: [{ ...POOL, maxSurge: 0, maxUnavailable: 1 }], busyMs: 120_000 },
    faults: new Map(
      [1, 2].map((number) => [`controller-a → kube GET machinesets/watch #${number}`, "request lost silently"]),
    ),
    script: (world) => at(world, 10_000, () => roll(world)),
  },
  {
    name: "a MachineSet is made after its successor",
    clouds: ["plain-token"],
    scenario: { deployments: [{ ...POOL, maxSurge: 0, maxUnavailable: 1 }], busyMs: 120_000 },
    faults: new Map([["controller-a → kube POST machinesets #1", "crash, request late"]]),
    script: (world) => at(world, 500, () => roll(world)),
  },
  {
    name: "a list is slow that many wait for",
    clouds: ["plain-token"],
    scenario: { deployments: [POOL], busyMs: 90_000 },
    faults: new Map([["controller-a → plain-token GET instances #1", "reply slow"]]),
    script: (world) => at(world, 2_500, () => scale(world, 3)),
  },
  {
    name: "the API server forgets what a watch has missed",
    clouds: ["plain-token", "hetzner"],
    scenario: { deployments: [POOL], keptRevisions: 5, busyMs: 120_000 },
    faults: new Map([
      ["controller-a → kube GET machines/watch #1", "watch cut"],
      ["controller-a → kube GET machines/watch #2", "request lost silently"],
    ]),
    script: (world) => at(world, READY_MS, () => scale(world, 2)),
  },
  {
    name: "the cloud shows nothing for a while",
    scenario: { deployments: [{ ...POOL, replicas: 4 }], busyMs: 300_000 },
    // Once all of them are recorded, also where a process died.
    script(world) {
      at(world, READY_MS * 3, async () => {
        const [hung] = livingVms(world);
        if (hung === undefined) return;
        world.wishes.hungVms.add(hung.id);
        world.kubelets.hang(hung);
        world.cloud.showNothing(200_000);
      });
      at(world, READY_MS * 3 + 5_000, () => deleteMachine(world, firstMachine(world)));
    },
  },
  {
    name: "the cloud shows nothing while all is deleted",
    scenario: { deployments: [{ ...POOL, replicas: 4 }], busyMs: 300_000 },
    // Once all of them are recorded, also where a process died.
    script(world) {
      at(world, READY_MS * 4, async () => world.cloud.showNothing(100_000));
      at(world, READY_MS * 4 + 1_000, () => world.cluster.request("DELETE", DEPLOYMENT));
    },
  },
  {
    name: "an answer is lost, and the cloud shows nothing",
    scenario: { deployments: [{ ...POOL, replicas: 3 }], busyMs: 300_000 },
    faults: new Map(
      [
        "plain-token POST instances",
        "plain-name POST instances",
        "plain-tag POST instances",
        "hetzner POST servers",
      ].map((call) => [`controller-a → ${call} #4`, "reply lost"]),
    ),
    script(world) {
      at(world, READY_MS, () => scale(world, 4));
      at(world, READY_MS + 200, async () => world.cloud.showNothing(150_000));
      at(world, READY_MS + 60_000, () => scale(world, 3));
    },
  },
  {
    name: "an instance never joins",
    clouds: ["plain-token"],
    scenario: { deployments: [POOL], joinClusterTimeoutMs: 60_000, busyMs: 120_000 },
    script: (world) =>
      at(world, 3_000, async () => {
        for (const vm of livingVms(world)) world.kubelets.hang(vm);
      }),
  },
  {
    name: "publish capacity",
    clouds: ["hetzner"],
    scenario: { deployments: [{ ...POOL, replicas: 0 }], busyMs: 60_000 },
    script(world) {
      const annotations = { [ANNOTATION_AUTOSCALER_MAX_SIZE]: "5" };
      at(world, 5_000, () => patch(world, DEPLOYMENT, { metadata: { annotations } }));
      at(world, 10_000, async () => {
        const [set] = setsOf(world);
        const { spec } = set ?? {};
        const labels = { pool: "alone" };
        await world.cluster.request("POST", pathOf("machinesets", "").slice(0, -1), {
          apiVersion: "cluster.k8s.io/v1alpha1",
          kind: "MachineSet",
          metadata: { name: "alone", namespace: set?.metadata.namespace, annotations },
          spec: {
            replicas: 0,
            selector: { matchLabels: labels },
            template: { ...spec?.template, metadata: { labels } },
          },
        });
      });
    },
  },
  {
    name: "somebody takes finalizers off",
    scenario: { deployments: [{ ...POOL, replicas: 4 }], busyMs: 60_000 },
    script: (world) =>
      at(world, READY_MS, async () => {
        const name = freeFirstMachine(world);
        await deleteMachine(world, name);
        await patch(world, pathOf("machines", name), { metadata: { finalizers: null } });
      }),
  },
  {
    // Nobody has cordoned its Node, which goes once its kubelet has been silent for a while.
    name: "somebody takes finalizers off, and deletes then",
    clouds: ["plain-token"],
    scenario: { deployments: [{ ...POOL, replicas: 4 }], busyMs: 600_000 },
    script: (world) =>
      at(world, READY_MS, async () => {
        const name = freeFirstMachine(world);
        await patch(world, pathOf("machines", name), { metadata: { finalizers: null } });
        await deleteMachine(world, name);
      }),
  },
];
