import { HETZNER_LIVES } from "./of-hetzner.ts";
import type { Life } from "./life.ts";
import { MACHINE_LIVES } from "./of-a-machine.ts";
import { NODE_LIVES } from "./of-a-node.ts";
import { POOL_LIVES } from "./of-a-pool.ts";
import { RHEL_LIVES } from "./of-rhel.ts";

/** Every small life. */
export const LIVES: readonly Life[] = [...MACHINE_LIVES, ...POOL_LIVES, ...NODE_LIVES, ...RHEL_LIVES, ...HETZNER_LIVES];

export function lifeNamed(name: string): Life {
  const life = LIVES.find((other) => other.name === name);
  if (life === undefined) throw new RangeError(`no life is called "${name}"`);
  return life;
}
