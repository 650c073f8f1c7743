// Proves the one-way arrows between packages, and that no import circle exists. Fails if it saw no file.
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** Part of the tree → the parts it may import. A part may always import itself. */
const ARROWS: Record<string, readonly string[]> = {
  "packages/api": [],
  "packages/kube-client": [],
  "packages/kube-runtime": ["packages/kube-client"],
  "packages/provider": ["packages/api"],
  "packages/bootstrap": ["packages/api"],
  "packages/controllers": [
    "packages/api",
    "packages/kube-client",
    "packages/kube-runtime",
    "packages/provider",
    "packages/bootstrap",
  ],
  "packages/admission": ["packages/api", "packages/provider"],
  "packages/control-plane": [],
  "packages/cloud-simulator": [],
  "providers/*/src": ["packages/provider"],
  "providers/*/sim": ["packages/cloud-simulator"],
  "providers/*/spec": [],
};
/** Roots that compose everything; nothing imports them. */
const COMPOSERS = ["apps/", "test/", "bench/", "scripts/", "packages/simulation/"];
/** Packages with tests that play both sides of a wire, and the extra parts those tests may import. */
const TEST_ARROWS: Record<string, readonly string[]> = {
  "providers/*/src": ["providers/*/sim", "providers/*/spec", "packages/cloud-simulator", "packages/api"],
  "providers/*/sim": ["providers/*/spec"],
  "packages/kube-runtime": ["packages/control-plane"],
  "packages/kube-client": ["packages/control-plane"],
  "packages/controllers": ["packages/control-plane", "packages/cloud-simulator", "providers/*/src", "providers/*/sim"],
  "packages/control-plane": ["packages/kube-client", "packages/kube-runtime"],
  "packages/cloud-simulator": ["packages/control-plane", "packages/bootstrap", "packages/api"],
};

const BINDINGS = String.raw`(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*\{[^}]*\})?)`;
const IMPORT = new RegExp(
  String.raw`^(?:import|export)\s+${BINDINGS}\s+from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)`,
  "gm",
);

const files = globSync("{packages,providers,apps,scripts,test,bench}/**/*.ts", {
  exclude: (path) => path.includes("node_modules"),
});
if (files.length === 0) {
  console.error("architecture: looked at no file");
  process.exit(1);
}

/** Workspace package name, with sub-path → the part it names. */
const partOfSpecifier = new Map<string, string>();
for (const manifest of globSync("{packages,providers,apps}/*/package.json")) {
  const folder = dirname(manifest);
  const { name, exports } = JSON.parse(readFileSync(manifest, "utf8")) as {
    name: string;
    exports: Record<string, string>;
  };
  for (const [subpath, target] of Object.entries(exports)) {
    partOfSpecifier.set(join(name, subpath), partOf(join(folder, target)) ?? folder);
  }
}

const problems: string[] = [];
const graph = new Map<string, string[]>();
for (const file of files) {
  const source = readFileSync(file, "utf8");
  const importer = partOf(file);
  const declared = declaredDependencies(file);
  const local: string[] = [];
  for (const match of source.matchAll(IMPORT)) {
    const specifier = match[1] ?? match[2] ?? match[3];
    if (specifier === undefined) continue;
    if (specifier.startsWith(".")) local.push(normalize(join(dirname(file), specifier)));
    const target = specifier.startsWith(".")
      ? partOf(normalize(join(dirname(file), specifier)))
      : partOfSpecifier.get(specifier);
    if (specifier.startsWith("@machine-controller/") && target === undefined) {
      problems.push(`${file}: ${specifier} is not an export of any package of the workspace`);
    }
    if (target !== undefined && importer !== undefined && !mayImport(file, importer, target)) {
      problems.push(`${file}: ${importer} must not import ${target}`);
    }
    if (target === undefined && COMPOSERS.every((top) => !file.startsWith(top))) {
      const bare = packageName(specifier);
      if (bare !== undefined && !declared.has(bare) && !file.endsWith(".test.ts")) {
        problems.push(`${file}: ${bare} is not among the dependencies of its package.json`);
      }
    }
  }
  graph.set(file, local);
}
problems.push(...circles(graph));

for (const problem of problems) console.error(problem);
console.log(`architecture: ${files.length} files, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);

function partOf(path: string): string | undefined {
  const [top, name, inside] = path.split("/");
  if (top === "providers" && name !== undefined) return `providers/${name}/${inside ?? "src"}`;
  if (top === "packages" && name !== undefined) return `packages/${name}`;
  if (top === "apps" && name !== undefined) return `apps/${name}`;
  return undefined;
}

function mayImport(file: string, importer: string, target: string): boolean {
  if (importer === target || COMPOSERS.some((top) => file.startsWith(top))) return true;
  const key = importer.replace(/^providers\/[^/]+/, "providers/*");
  const allowed = [...(ARROWS[key] ?? []), ...(file.endsWith(".test.ts") ? (TEST_ARROWS[key] ?? []) : [])];
  return allowed.some(
    (part) =>
      part === target ||
      part.replace("*", importer.split("/")[1] ?? "") === target ||
      (part.includes("*") && part === target.replace(/^providers\/[^/]+/, "providers/*")),
  );
}

function packageName(specifier: string): string | undefined {
  if (specifier.startsWith(".") || specifier.startsWith("node:")) return undefined;
  const [scope, name] = specifier.split("/");
  return scope?.startsWith("@") ? `${scope}/${name}` : scope;
}

function declaredDependencies(file: string): Set<string> {
  const [top, name] = file.split("/");
  if (!["packages", "providers", "apps"].includes(top ?? "")) return new Set();
  const manifest = JSON.parse(readFileSync(join(top ?? "", name ?? "", "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  return new Set(Object.keys(manifest.dependencies ?? {}));
}

function circles(imports: Map<string, string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      found.push(`import circle: ${[...path.slice(at), file].join(" → ")}`);
      return;
    }
    if (done.has(file)) return;
    for (const next of imports.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  return found;
}
