// `npm run gen`: writes every generated file; with --check, writes nothing and fails where one differs.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Each generator yields `[path, content]` pairs; it reads the tree and writes nothing. */
const generators: (() => Iterable<[path: string, content: string]> | AsyncIterable<[path: string, content: string]>)[] =
  [];

const checking = process.argv.includes("--check");
let files = 0;
let drifted = 0;
for (const generate of generators) {
  for await (const [path, content] of generate()) {
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
if (checking) console.log(`generated files: ${files} looked at, ${drifted} differ`);
if (checking && (drifted > 0 || files === 0)) process.exit(1);

function current(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
