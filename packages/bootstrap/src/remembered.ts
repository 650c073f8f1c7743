/** Texts that are the same for most nodes of a cluster, and cost much to make. */
import { LRUCache } from "lru-cache";

const MOST = 64;

/** `write`, with its last texts kept by what they were made of. */
export function remembered<T>(write: (from: T) => string): (from: T) => string {
  const texts = new LRUCache<string, string>({ max: MOST });
  return (from) => {
    const key = JSON.stringify(from);
    const text = texts.get(key) ?? write(from);
    texts.set(key, text);
    return text;
  };
}
