// `npm run check`: types, lint, format, architecture, generated files. Fails on the first red one's exit code, after all ran.
import { spawnSync } from "node:child_process";

const checks: [name: string, command: string, ...args: string[]][] = [
  ["types", "tsc", "--project", "tsconfig.json"],
  ["lint", "oxlint", "--type-aware", "--max-warnings=0"],
  ["format", "oxfmt", "--check", "."],
  ["architecture", "node", "scripts/check-architecture.ts"],
  ["docs", "node", "scripts/check-docs.ts"],
  ["generated files", "node", "scripts/gen.ts", "--check"],
];

let failed = 0;
for (const [name, command, ...args] of checks) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  const took = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name} (${took})`);
  if (status !== 0 || name === "architecture") console.log((stdout + stderr).trimEnd());
  if (status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
