import { MACHINE_MUTATIONS } from "./machine-mutations.ts";
import type { Mutation } from "./mutation.ts";
import { OTHER_MUTATIONS } from "./other-mutations.ts";

/** Every deliberate bug that the simulation must catch. */
export const MUTATIONS: readonly Mutation[] = [...MACHINE_MUTATIONS, ...OTHER_MUTATIONS];
