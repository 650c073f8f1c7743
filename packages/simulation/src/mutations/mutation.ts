import type { CloudName } from "../clouds/registry.ts";

/** A deliberate bug: one piece of source text in place of another, which must occur exactly once. */
export type Mutation = {
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** What would go wrong in a cluster. */
  readonly why: string;
  /** The promise, by the name of its invariant, that has to be seen broken. */
  readonly breaks: string;
  /** The small life that shows it; or seeds, from 1, within which it has to be caught. */
  readonly life?: string;
  readonly within?: number;
  /** Where only one kind of cloud can show it. */
  readonly cloud?: CloudName;
};

/** @throws where the text does not occur exactly once: then the mutation says nothing any more. */
export function mutate(source: string, { name, file, find, replace }: Mutation): string {
  const count = source.split(find).length - 1;
  if (count !== 1) throw new Error(`mutation "${name}": its text occurs ${count} times in ${file}, not once`);
  return source.replace(find, () => replace);
}
