/** Every cloud that worlds are made with, each with a consistency model of its own. */
import type { CloudOptions, SimulatedCloud } from "./cloud.ts";
import { createHetznerCloud } from "./hetzner.ts";

const CLOUDS = {
  hetzner: createHetznerCloud,
} as const satisfies Record<string, (options: CloudOptions) => SimulatedCloud>;

export type CloudName = keyof typeof CLOUDS;
export const CLOUD_NAMES = Object.keys(CLOUDS) as CloudName[];

export const createCloud = (name: CloudName, options: CloudOptions): SimulatedCloud => CLOUDS[name](options);
