/** What strict decoding finds in a JSON text: fields said twice, and fields a kind does not have, in the API server's words. */
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import { fieldSchema, itemSchema, preservesUnknown } from "./structural.ts";
import type { Schema } from "./structural.ts";

/** `duplicate field "a.b"`, each once, in the order of the text. With a schema also the fields it does not have. */
export function problemsInJson(text: string, schema?: Schema): string[] {
  // JSON is YAML too, and a YAML document keeps what JSON.parse drops.
  return [...new Set(problemsIn(parseDocument(text, { uniqueKeys: false }).contents, schema, ""))];
}

function* problemsIn(node: unknown, schema: Schema | undefined, path: string): Generator<string> {
  if (schema !== undefined && preservesUnknown(schema)) return;
  if (isSeq(node)) {
    const items = schema && itemSchema(schema);
    if (schema !== undefined && items === undefined) return;
    for (const [index, item] of node.items.entries()) yield* problemsIn(item, items, `${path}[${index}]`);
  }
  if (!isMap(node)) return;
  const seen = new Set<string>();
  for (const { key: keyNode, value } of node.items) {
    const key = isScalar(keyNode) ? String(keyNode.value) : String(keyNode);
    const inner = path === "" ? key : `${path}.${key}`;
    const known = schema && fieldSchema(schema, key);
    if (known === undefined && schema !== undefined) {
      yield `unknown field ${JSON.stringify(inner)}`;
      continue;
    }
    if (seen.has(key)) yield `duplicate field ${JSON.stringify(inner)}`;
    seen.add(key);
    yield* problemsIn(value, known, inner);
  }
}
