/** Seeded randomness: the same seed gives the same numbers on every machine. */

export type Random = {
  /** In [0, 1). */
  next(): number;
  /** In [0, below). */
  int(below: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  bytes(length: number): Uint8Array;
  /** A stream of its own: how much others draw changes nothing in it. */
  fork(name: string): Random;
};

export function createRandom(seed: string): Random {
  let state = hash32(seed);
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    return finish(state) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new RangeError("nothing to pick from");
      return items[int(items.length)] as T;
    },
    bytes: (length) => Uint8Array.from({ length }, () => int(256)),
    fork: (name) => createRandom(`${seed}/${name}`),
  };
}

/** A number in [0, 1) that follows from the text alone. */
export const drawFor = (text: string): number => finish(hash32(text)) / 2 ** 32;

/** FNV-1a. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash | 0;
}

/** The finalizer of MurmurHash3: neighbouring inputs give unlike outputs. */
function finish(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
