/** Makes `[path, content]` pairs of generated files from the tree, and writes nothing. */
export type Generator = () => Promise<[path: string, content: string][]>;
