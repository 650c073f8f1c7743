/** What kind of world a seed makes: its cloud, its size, and which faults are at home in it, some often, most not at all. */
import { CLOUD_NAMES, type CloudName } from "../clouds/registry.ts";
import { MESSAGE_FAULTS } from "../faults/message-faults.ts";
import { createRandom } from "./random.ts";

type Deployment = {
  readonly name: string;
  readonly replicas: number;
  readonly strategy: "RollingUpdate" | "Recreate" | "OnDelete";
  readonly maxSurge: number;
  readonly maxUnavailable: number;
};

export type Scenario = {
  readonly seed: string;
  readonly cloud: CloudName;
  /** Two replicas of the controller with leader election, or one without. */
  readonly replicas: 1 | 2;
  readonly serving: boolean;
  readonly joinClusterTimeoutMs: number | undefined;
  /** Labels, annotations and taints of a template are put on Machines that exist. */
  readonly updatesMetadataInPlace: boolean;
  /** Revisions that the API server remembers: a watch that was away for longer is told 410. */
  readonly keptRevisions: number;
  /** How long the cloud takes to delete an instance; default: as it usually does. */
  readonly deletionMs: number | undefined;
  readonly deployments: readonly Deployment[];
  /** A Machine that no MachineSet made. */
  readonly hasLoneMachine: boolean;
  /** Message fault → probability, of those that occur here. */
  readonly rates: ReadonlyMap<string, number>;
  /** How many things users and the world around do, and within what time. */
  readonly happenings: number;
  readonly busyMs: number;
};

const CALM_SHARE = 0.1;
const FAULT_SHARE = 0.35;

export function scenarioFor(seed: string, cloud?: CloudName): Scenario {
  const random = createRandom(`${seed}/scenario`);
  const drawn = random.pick(CLOUD_NAMES);
  const isCalm = random.chance(CALM_SHARE);
  const rates = new Map<string, number>();
  for (const { name } of MESSAGE_FAULTS) {
    const occurs = random.chance(FAULT_SHARE);
    const rate = 0.002 + 0.04 * random.next() ** 3;
    if (occurs && !isCalm) rates.set(name, rate);
  }
  const count = random.chance(0.25) ? 2 : 1;
  return {
    seed,
    cloud: cloud ?? drawn,
    replicas: random.chance(0.2) ? 2 : 1,
    serving: random.chance(0.15),
    joinClusterTimeoutMs: random.chance(0.2) ? 180_000 : undefined,
    updatesMetadataInPlace: random.chance(0.1),
    keptRevisions: random.pick([20, 100, 400]),
    deletionMs: random.chance(0.3) ? 1_000 + random.int(20_000) : undefined,
    deployments: Array.from({ length: count }, (_, index) => {
      const maxSurge = random.int(3);
      return {
        name: `pool-${"ab"[index]}`,
        replicas: random.int(4),
        strategy: random.pick(["RollingUpdate", "RollingUpdate", "RollingUpdate", "Recreate", "OnDelete"] as const),
        maxSurge,
        maxUnavailable: maxSurge === 0 ? 1 : random.int(2),
      };
    }),
    hasLoneMachine: random.chance(0.3),
    rates,
    happenings: 2 + random.int(9),
    busyMs: 40_000 + random.int(100_000),
  };
}
