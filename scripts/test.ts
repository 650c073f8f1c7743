// `npm test [PATTERN …]`: every *.test.ts of the workspace, or those whose path contains a PATTERN.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

const patterns = process.argv.slice(2);
const files = globSync(
  ["packages", "providers", "apps", "scripts", "test", "bench"].map((top) => `${top}/**/*.test.ts`),
  {
    exclude: (path) => path.includes("node_modules"),
  },
)
  // Those need Go, to build their peers: `node test/peers/run.ts`.
  .filter((file) => !file.endsWith(".peer.test.ts"))
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${patterns.join(", ") || "the workspace"}`);
  process.exit(1);
}
const { status } = spawnSync(
  process.execPath,
  ["--disable-warning=ExperimentalWarning", "--test", "--test-concurrency=2", ...files],
  { stdio: "inherit" },
);
process.exit(status ?? 1);
