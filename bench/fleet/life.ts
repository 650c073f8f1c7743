/** A fleet of one MachineDeployment from nothing to Ready, at rest, through a restart of the controller, and back to nothing. */
import { machineDeployments } from "@machine-controller/controllers";
import hetzner from "@machine-controller/provider-hetzner";
import { type Bench, type Figure, figure, held } from "../bench.ts";
import type { MachineUsage } from "../machine-usage.ts";
import { measureWrites } from "../writes.ts";
import { countNodes, viewFleet } from "./fleet-view.ts";
import { makeFirst } from "./first.ts";
import { WRITES_OF_NODE } from "./join-node.ts";
import { FLEET, NAMESPACE } from "./manifests.ts";
import { type Phase, sum, watchPhase, writesOf } from "./phase.ts";
import { measureReplay } from "./replay.ts";
import { measureRest } from "./rest.ts";
import { measureRestart } from "./restart.ts";
import { openFleetSite } from "./site.ts";

/** Machine, bootstrap token, intent, record, Node and nodeRef: what a life cannot do without. */
const WRITES_UP = 6;
/** Deletion asked for, Node cordoned, Node deleted, finalizers taken off. */
const WRITES_DOWN = 4;
const WRITERS = 32;

export const life: Bench = {
  name: "life",
  about: "Machines of one MachineDeployment to Ready, at rest, through a restart, and away again",
  machines: 1_000,
  async run(settings) {
    const { machines, signal, progress } = settings;
    const site = await openFleetSite(settings);
    try {
      const { client } = site;
      const view = await viewFleet(client, settings);
      const first = await makeFirst(site, view, signal);
      progress("measuring the API server's write rate");
      const writesPerSecond = (await measureWrites(client, [WRITERS])).get(WRITERS) ?? Number.NaN;
      progress(`replaying ${machines} lives`);
      const replayed = await measureReplay(site, first, { lives: machines, signal });
      await view.until("the replayed are gone", () => view.machines === 1);
      const scaleTo = (replicas: number): Promise<unknown> =>
        client.patch(
          machineDeployments,
          { namespace: NAMESPACE, name: FLEET },
          { type: "merge", body: { spec: { replicas } } },
          { signal },
        );
      const controller = await site.startController();

      const up = watchPhase(site, controller.pid);
      await scaleTo(1 + machines);
      await view.until("up", () => view.ready === 1 + machines);
      const risen = await up.end();

      const rest = await measureRest(site, { pid: controller.pid, ...settings });
      await controller.stop();
      const restart = await measureRestart(site, settings);

      // Until then a request of a former process could still make a second instance, and a deletion waits for that.
      const youngestMs = await view.untilOlderThan(hetzner.idempotency.settleMs);
      const down = watchPhase(site, restart.controller.pid);
      await scaleTo(0);
      await view.until("down", () => view.machines === 0);
      const fallen = await down.end();
      const nodes = await countNodes(client, signal);
      if (nodes > 0) throw new Error(`${nodes} Nodes are left over`);
      await restart.controller.stop();

      const share = (perSecond: number, writes: number): number => (100 * perSecond * writes) / writesPerSecond;
      const upPerSecond = machines / risen.seconds;
      const replayedShare = (100 * upPerSecond) / replayed.perSecond;
      const downPerSecond = machines / fallen.seconds;
      return [
        figure(`API server: writes/s of ${WRITERS} writers`, writesPerSecond, { unit: "/s" }),
        held("up", upPerSecond, { unit: "Machines/s", digits: 1, atLeast: 30 }),
        held(`  share of ${replayed.perSecond.toFixed(1)}/s, the same writes by ${WRITERS} replayers`, replayedShare, {
          unit: "%",
          atLeast: 70,
        }),
        figure(
          `  share of what so many writes of ConfigMaps allow: ${WRITES_UP} + ${WRITES_OF_NODE}`,
          share(upPerSecond, WRITES_UP + WRITES_OF_NODE),
          { unit: "%" },
        ),
        ...usageOfMachine("", risen.usage),
        ...usageOfMachine(", replayed", replayed.usage),
        ...requestsOf(risen, machines, { atMost: 7 }),
        ...callsOf(risen, machines, { atMost: 2 }),
        figure("  CPU a Machine", (1_000 * risen.cpuSeconds) / machines, { unit: "ms" }),
        figure("  memory at most", risen.peakRssMiB, { unit: "MiB" }),
        ...rest,
        ...restart.figures,
        held("down", downPerSecond, { unit: "Machines/s", digits: 1, atLeast: 30 }),
        figure("  age of the youngest Machine when it begins", youngestMs / 1_000, { unit: "s" }),
        figure(`  share of what ${WRITES_DOWN} writes allow`, share(downPerSecond, WRITES_DOWN), { unit: "%" }),
        ...requestsOf(fallen, machines),
        ...callsOf(fallen, machines),
        figure("  CPU a Machine", (1_000 * fallen.cpuSeconds) / machines, { unit: "ms" }),
      ];
    } finally {
      await site.close();
    }
  },
};

/** A share of the API server's rate is worth something while others leave the machine alone. */
const usageOfMachine = (when: string, { idle, others }: MachineUsage): Figure[] => [
  figure(`  CPU idle${when}`, idle, { unit: "%" }),
  figure(`  CPU taken by others${when}`, others, { unit: "%" }),
];

/** Those of sets and deployments are shared by all Machines. */
function requestsOf({ requests }: Phase, machines: number, goal?: { atMost: number }): Figure[] {
  if (requests === undefined) return [{ what: "  requests a Machine", measured: "no audit log" }];
  const writes = sum(writesOf(requests)) / machines;
  return [
    ...countsOf("requests a Machine", requests, { machines, ...goal }),
    figure("    of them writes", writes, { unit: "", digits: 2 }),
  ];
}

const callsOf = ({ calls }: Phase, machines: number, goal?: { atMost: number }): Figure[] =>
  countsOf("cloud calls a Machine", calls, { machines, ...goal });

/** All, and each kind, the most frequent first. */
function countsOf(
  what: string,
  counts: ReadonlyMap<string, number>,
  { machines, atMost }: { machines: number; atMost?: number },
): Figure[] {
  const form = { unit: "", digits: 2 };
  const all = sum(counts) / machines;
  const kinds = [...counts].toSorted((a, b) => b[1] - a[1]).filter(([, count]) => count / machines >= 0.01);
  return [
    atMost === undefined ? figure(`  ${what}`, all, form) : held(`  ${what}`, all, { ...form, atMost }),
    ...kinds.map(([kind, count]) => figure(`    ${kind}`, count / machines, form)),
  ];
}
