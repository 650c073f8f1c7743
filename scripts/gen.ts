// `npm run gen`: writes every generated file; with --check, writes nothing and fails where one differs.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { alertDocs } from "./generate/alert-docs.ts";
import { apiDocs } from "./generate/api-docs.ts";
import { crds } from "./generate/crds.ts";
import { docs } from "./generate/docs.ts";
import { flagDocs } from "./generate/flag-docs.ts";
import type { Generator } from "./generate/generator.ts";
import { manifests } from "./generate/manifests.ts";
import { registry } from "./generate/registry.ts";
import { valuesDocs } from "./generate/values-docs.ts";

const generators: readonly Generator[] = [registry, crds, manifests, docs, alertDocs, apiDocs, flagDocs, valuesDocs];

const checking = process.argv.includes("--check");
let files = 0;
let drifted = 0;
for (const generate of generators) {
  for (const [path, content] of await generate()) {
    files++;
    if (current(path) === content) continue;
    drifted++;
    if (checking) {
      console.error(`${path} differs from what its generator makes: run \`npm run gen\``);
      continue;
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    console.log(`wrote ${path}`);
  }
}
console.log(`generated files: ${files} looked at, ${drifted} differed`);
if (checking && (drifted > 0 || files === 0)) process.exit(1);

function current(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
