/**
 * What a fleet at rest costs, and how that grows: a tenth of it, then all. The fleets are written as the controller
 * itself left its first Machine, so that it has nothing to do but hold them.
 */
import { type Bench, type Figure, figure, held } from "../bench.ts";
import { usageOf } from "../process-usage.ts";
import { measureRest } from "./rest.ts";
import { measureRestart } from "./restart.ts";
import { seedFleet } from "./seed.ts";
import { openFleetSite } from "./site.ts";

const MOST_MIB = 400;

export const large: Bench = {
  name: "large",
  about: "cost at rest of a fleet, and its growth from a tenth of it",
  machines: 10_000,
  async run(settings) {
    const few = Math.ceil(settings.machines / 10);
    const small = await measureFleet({ ...settings, machines: few });
    const whole = await measureFleet(settings);
    const growth = whole.cpuSeconds / small.cpuSeconds;
    return [
      ...small.figures.map((row) => ({ ...row, what: `${row.what}, ${few} Machines` })),
      ...whole.figures,
      held("memory at rest", whole.rssMiB, { unit: "MiB", atMost: MOST_MIB }),
      held("CPU of a restart and a rest, of ten times as many", growth, { unit: "×", digits: 1, atMost: 10 }),
    ];
  },
};

async function measureFleet(
  settings: Parameters<Bench["run"]>[0],
): Promise<{ figures: Figure[]; rssMiB: number; cpuSeconds: number }> {
  const { machines, progress } = settings;
  const site = await openFleetSite(settings);
  try {
    const startedAt = performance.now();
    await seedFleet(site, settings);
    const seconds = (performance.now() - startedAt) / 1_000;
    progress(`${machines} Machines written in ${seconds.toFixed(0)} s`);
    const { controller, figures } = await measureRestart(site, settings);
    const rest = await measureRest(site, { ...settings, pid: controller.pid });
    const { rssMiB, cpuSeconds } = usageOf(controller.pid);
    await controller.stop();
    return { figures: [...figures, ...rest, figure("  written", seconds, { unit: "s" })], rssMiB, cpuSeconds };
  } finally {
    await site.close();
  }
}
