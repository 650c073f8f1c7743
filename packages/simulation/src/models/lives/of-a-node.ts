/** Lives whose Nodes have something on them: pods under a budget, volumes. */
import { at, deleteMachine, type Life, POOL, READY_MS } from "./life.ts";
import type { World } from "../../world/world.ts";

const PODS = "/api/v1/namespaces/default/pods";
const BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
const ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments";
const labels = { app: "web" };

const nodeNames = ({ cluster }: World): string[] =>
  [...cluster.objects.nodes.values()].map(({ metadata }) => metadata.name ?? "").toSorted();

async function place(world: World, node: string): Promise<void> {
  const { cluster } = world;
  for (const name of ["web-1", "web-2"]) {
    await cluster.request("POST", PODS, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels },
      spec: { nodeName: node, terminationGracePeriodSeconds: 0, containers: [{ name: "web", image: "web" }] },
    });
    await cluster.request("PATCH", `${PODS}/${name}/status`, {
      status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
    });
  }
  await cluster.request("POST", BUDGETS, {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web" },
    spec: { minAvailable: 2, selector: { matchLabels: labels } },
  });
  await cluster.request("POST", ATTACHMENTS, {
    apiVersion: "storage.k8s.io/v1",
    kind: "VolumeAttachment",
    metadata: { name: "data" },
    spec: { attacher: "csi.simulation", nodeName: node, source: { persistentVolumeName: "data" } },
  });
  await cluster.request("PATCH", `${ATTACHMENTS}/data/status`, { status: { attached: true } });
}

export const NODE_LIVES: readonly Life[] = [
  {
    name: "drain pods under a budget, then a volume",
    clouds: ["plain-token"],
    scenario: { deployments: [{ ...POOL, replicas: 2 }], busyMs: 150_000 },
    script(world) {
      let node = "";
      at(world, READY_MS, async () => {
        [node = ""] = nodeNames(world);
        await place(world, node);
        await deleteMachine(world, node);
      });
      at(world, READY_MS + 20_000, () => world.cluster.request("DELETE", `${BUDGETS}/web`));
      at(world, READY_MS + 50_000, async () => {
        for (const name of ["web-1", "web-2"]) await world.cluster.request("DELETE", `${PODS}/${name}`).catch(() => {});
      });
      at(world, READY_MS + 70_000, () => world.cluster.request("DELETE", `${ATTACHMENTS}/data`));
    },
  },
];
