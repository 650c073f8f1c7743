/** Texts that are the same for most nodes of a cluster, and cost much to make. */

const MOST = 64;

/** `write`, with its last texts kept by what they were made of. */
export function remembered<T>(write: (from: T) => string): (from: T) => string {
  const texts = new Map<string, string>();
  return (from) => {
    const key = JSON.stringify(from);
    const text = texts.get(key) ?? write(from);
    texts.delete(key);
    texts.set(key, text);
    const [oldest] = texts.keys();
    if (texts.size > MOST && oldest !== undefined) texts.delete(oldest);
    return text;
  };
}
