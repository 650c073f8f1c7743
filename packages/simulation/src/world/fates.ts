/**
 * Decides what goes wrong. Every decision has an ID and follows from seed and ID alone, so that taking one fault out of a
 * history leaves the others as they were: that is what shrinking lives on.
 */
import { drawFor } from "./random.ts";

export type Option<T> = { readonly name: string; readonly probability: number; readonly value: T };

/** A decision that went against somebody. */
export type Strike = { readonly id: string; readonly name: string };

export type Fates = {
  /** A number in [0, 1) for anything that is no fault: delays, sizes. */
  draw(id: string): number;
  /** At most one of the options; records it. */
  choose<T>(id: string, options: readonly Option<T>[]): T | undefined;
  /** What struck so far, in order. */
  readonly strikes: readonly Strike[];
  /** From here on nothing strikes any more. */
  rest(): void;
  readonly isResting: boolean;
};

export type FatesOptions = {
  seed: string;
  /** Only these IDs may strike; default: all. For shrinking. */
  only?: ReadonlySet<string> | undefined;
  /** ID → name of the option that strikes there, and nothing else strikes. For models that enumerate. */
  plan?: ReadonlyMap<string, string> | undefined;
};

export function createFates({ seed, only, plan }: FatesOptions): Fates {
  const strikes: Strike[] = [];
  let resting = false;
  const draw = (id: string): number => drawFor(`${seed} ${id}`);

  function optionFor<T>(id: string, options: readonly Option<T>[]): Option<T> | undefined {
    if (resting || options.length === 0) return undefined;
    if (plan !== undefined) return options.find(({ name }) => name === plan.get(id));
    let left = draw(id);
    for (const option of options) {
      left -= option.probability;
      if (left < 0) return only?.has(id) === false ? undefined : option;
    }
    return undefined;
  }

  return {
    draw,
    strikes,
    choose(id, options) {
      const option = optionFor(id, options);
      if (option === undefined) return undefined;
      strikes.push({ id, name: option.name });
      return option.value;
    },
    rest: () => void (resting = true),
    get isResting() {
      return resting;
    },
  };
}
