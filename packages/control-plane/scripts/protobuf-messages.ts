// Reduces Kubernetes' published .proto files to facts: `node scripts/protobuf-messages.ts FOLDER`, where FOLDER holds
// `<group>.<version>.proto` for the groups of k8s.io/api and `meta.v1.proto` of k8s.io/apimachinery.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { BUILT_IN_RESOURCES } from "../src/registry/built-in-kinds.ts";

type Field = { number: number; name: string; type: string };

const OUTPUT = join(import.meta.dirname, "../src/protobuf/messages.generated.ts");
const HEADER = `// Numbers, names and types of the fields of Kubernetes' published protobuf messages, for the kinds this server decodes.
// Made by scripts/protobuf-messages.ts. Types: \`[]\` repeated, \`{}\` map from string.
`;
/** Messages that stand for one JSON value; src/protobuf/decode.ts knows them by these names. */
const VALUES: Record<string, string> = {
  "meta/v1.Time": "Time",
  "meta/v1.MicroTime": "MicroTime",
  "meta/v1.Duration": "Duration",
  "meta/v1.FieldsV1": "RawExtension",
};
/** What requests carry beside the kinds that are served. */
const MORE_ROOTS = [
  "meta/v1.DeleteOptions",
  "authentication/v1.TokenRequest",
  "policy/v1.Eviction",
  "core/v1.Binding",
  "autoscaling/v1.Scale",
];

const folder = process.argv[2] ?? ".";
const files = globSync(join(folder, "*.proto"));
if (files.length === 0) throw new Error(`no .proto file in ${folder}`);
const messages = new Map(files.flatMap(readMessages));
const reached = new Map<string, Field[]>();
const served = BUILT_IN_RESOURCES.map(
  ({ group, version, kind }) => `${group === "" ? "core" : group.split(".")[0]}/${version}.${kind}`,
);
for (const root of [...served, ...MORE_ROOTS]) reach(root);
const lines = [...reached]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, fields]) => `  ${JSON.stringify(name)}: ${JSON.stringify(fields.map(format).join(","))},\n`);
writeFileSync(OUTPUT, `${HEADER}export const MESSAGES: Readonly<Record<string, string>> = {\n${lines.join("")}};\n`);
console.log(`${reached.size} messages`);

function readMessages(file: string): [string, Field[]][] {
  const scope = basename(file, ".proto").replace(".", "/");
  const found: [string, Field[]][] = [];
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const text = line.replace(/\/\/.*/, "").trim();
    const message = /^message (\w+) \{/.exec(text)?.[1];
    if (message !== undefined) found.push([`${scope}.${message}`, []]);
    const field = /^(optional|repeated)?\s*(?:map<string, ?([\w.]+)>|([\w.]+)) (\w+) = (\d+)/.exec(text);
    if (field === null) continue;
    const [, label, mapped, plain = "", name = "", number] = field;
    const type =
      mapped === undefined
        ? `${label === "repeated" ? "[]" : ""}${resolve(plain, scope)}`
        : `{}${resolve(mapped, scope)}`;
    found.at(-1)?.[1].push({ number: Number(number), name, type });
  }
  return found;
}

/** A type's name in this table's form. */
function resolve(type: string, scope: string): string {
  if (/^(string|bool|u?int(32|64)|bytes|double)$/.test(type)) return type;
  const api = /^\.?k8s\.io\.api\.(\w+)\.(\w+)\.(\w+)$/.exec(type);
  if (api !== null) return `${api[1]}/${api[2]}.${api[3]}`;
  const meta = /^\.?k8s\.io\.apimachinery\.pkg\.apis\.meta\.v1\.(\w+)$/.exec(type)?.[1];
  if (meta !== undefined) return `meta/v1.${meta}`;
  return type.includes(".") ? (type.split(".").at(-1) ?? "") : `${scope}.${type}`;
}

function reach(name: string): void {
  const fields = messages.get(name);
  if (fields === undefined || reached.has(name)) return;
  const own = fields
    .map((field) => {
      const [, container = "", inner = ""] = /^(\[\]|\{\})?(.*)$/.exec(field.type) ?? [];
      return { ...field, type: `${container}${valueName(inner)}`, inner: valueName(inner) };
    })
    .sort((a, b) => a.number - b.number);
  reached.set(name, own);
  for (const { inner } of own) reach(inner);
}

function valueName(type: string): string {
  const fields = messages.get(type);
  const isStrings = fields?.length === 1 && fields[0]?.name === "items" && fields[0].type === "[]string";
  return isStrings ? "Strings" : (VALUES[type] ?? type);
}

function format({ number, name, type }: Field): string {
  return `${number} ${name} ${type}`;
}
