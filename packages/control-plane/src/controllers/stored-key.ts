/** Keys of stored objects as strings, for controller queues. */
import type { Key } from "../storage/storage.ts";

export function toKey({ resource, namespace, name }: Key): string {
  return `${resource}|${namespace}|${name}`;
}

export function fromKey(text: string): Key {
  const [resource = "", namespace = "", name = ""] = text.split("|");
  return { resource, namespace, name };
}
