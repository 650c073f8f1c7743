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
  /** Seeds, from 1, within which it has to be caught. */
  readonly within: number;
  /** No world shows it so far: said at every run, and no error. */
  readonly escapes?: true;
  /** Where only one kind of cloud can show it. */
  readonly cloud?: CloudName;
};

/** @throws where the text does not occur exactly once: then the mutation says nothing any more. */
export function mutate(source: string, { name, file, find, replace }: Mutation): string {
  const count = source.split(find).length - 1;
  if (count !== 1) throw new Error(`mutation "${name}": its text occurs ${count} times in ${file}, not once`);
  return source.replace(find, () => replace);
}
