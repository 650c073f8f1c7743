/** Every cloud that worlds are made with, each with a consistency model of its own. */
import type { CloudOptions, SimulatedCloud } from "./cloud.ts";
import { createHetznerCloud } from "./hetzner.ts";
import { createPlainCloud } from "./plain/cloud.ts";
import { NAME_CLOUD, TAG_CLOUD, TOKEN_CLOUD } from "./plain/model.ts";

const CLOUDS = {
  hetzner: createHetznerCloud,
  "plain-token": (options) => createPlainCloud(TOKEN_CLOUD, options),
  "plain-name": (options) => createPlainCloud(NAME_CLOUD, options),
  "plain-tag": (options) => createPlainCloud(TAG_CLOUD, options),
} as const satisfies Record<string, (options: CloudOptions) => SimulatedCloud>;

export type CloudName = keyof typeof CLOUDS;
export const CLOUD_NAMES = Object.keys(CLOUDS) as CloudName[];

export const createCloud = (name: CloudName, options: CloudOptions): SimulatedCloud => CLOUDS[name](options);
