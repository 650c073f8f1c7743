/**
 * The words that `kubectl explain` has for built-in kinds. They are Kubernetes' own, as its JavaScript client brings them
 * along in the declarations of its models; without that client there are none.
 */
import { readFileSync } from "node:fs";
import { isJsonObject, objectAt } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { shortName } from "../schema/schema-names.ts";

type Words = { type: string; fields: Map<string, string> };

/** An OpenAPI v3 document, with the words for its built-in kinds and their fields. */
export function withDescriptions(document: JsonObject): JsonObject {
  const components = objectAt(document, "components");
  const read = createReader();
  const schemas = Object.entries(objectAt(components, "schemas")).map(([name, schema]) => [
    name,
    isJsonObject(schema) ? describe(name, schema, read) : schema,
  ]);
  return { ...document, components: { ...components, schemas: Object.fromEntries(schemas) as JsonObject } };
}

type Read = (name: string) => Words | undefined;

function describe(name: string, schema: JsonObject, read: Read): JsonObject {
  const words = read(name);
  if (words === undefined) return schema;
  const properties = Object.entries(objectAt(schema, "properties")).map(([field, property]) => {
    // A field that is an object of its own often has no words but those of its type.
    const description = words.fields.get(field) ?? read(referenceIn(property))?.type;
    return [field, description === undefined || !isJsonObject(property) ? property : { ...property, description }];
  });
  return {
    description: words.type,
    ...schema,
    ...(properties.length > 0 && { properties: Object.fromEntries(properties) as JsonObject }),
  };
}

function referenceIn(property: unknown): string {
  const [, name = ""] = /"\$ref":"#\/components\/schemas\/([^"]+)"/.exec(JSON.stringify(property)) ?? [];
  return name;
}

/** The files of a package stay as they are: each is read once. */
const KNOWN = new Map<string, Words | undefined>();

function createReader(): Read {
  const folder = modelsFolder();
  return (name) => {
    if (folder === undefined || shortName(name) === name) return undefined;
    if (!KNOWN.has(name)) KNOWN.set(name, readWords(folder, shortName(name)));
    return KNOWN.get(name);
  };
}

function modelsFolder(): URL | undefined {
  try {
    return new URL("gen/models/", import.meta.resolve("@kubernetes/client-node"));
  } catch {
    return undefined;
  }
}

/** `core/v1.Event` is CoreV1Event, as there are several; `core/v1.Pod` is V1Pod. */
function readWords(folder: URL, name: string): Words | undefined {
  const [group = "", version = "", kind = ""] = name.split(/[/.]/);
  const model = `${capitalized(version)}${kind}`;
  for (const file of [`${capitalized(group)}${model}`, model]) {
    try {
      return parseDeclaration(readFileSync(new URL(`${file}.d.ts`, folder), "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return undefined;
}

const COMMENTED = /\/\*\*\s+\*\s+((?:(?!\*\/)[^])*?)\s+\*\/\s+(?:export declare class|'([^']+)'\??:)/g;

function parseDeclaration(text: string): Words {
  const words: Words = { type: "", fields: new Map() };
  for (const [, comment = "", field] of text.matchAll(COMMENTED)) {
    const plain = comment.replace(/\n\s*\*\s?/g, "\n").replace(/\\(['"])/g, "$1");
    if (field === undefined) words.type = plain;
    // Names that are words of JavaScript have a line before them there.
    else words.fields.set(field.replace(/^_/, ""), plain);
  }
  return words;
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
