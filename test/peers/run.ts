// `npm run peers [-- PATTERN …]`: builds the real control plane, then runs every *.peer.test.ts of the repository,
// or those whose path contains a PATTERN. Where there is no Go it says so and succeeds.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { buildPeers } from "./build.ts";

const patterns = process.argv.slice(2);
const root = join(import.meta.dirname, "../..");
const files = globSync("**/*.peer.test.ts", { cwd: root, exclude: ["**/node_modules", ".cache"] })
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .sort();
if (files.length === 0) {
  console.error(`no peer test matches ${patterns.join(", ") || "the repository"}`);
  process.exit(1);
}

const peers = await buildPeers();
if ("skipped" in peers) {
  console.log(`peer tests skipped (${files.length} files): ${peers.skipped}`);
  process.exit(0);
}
// One at a time: each file starts a control plane of its own.
const { status } = spawnSync(
  process.execPath,
  ["--disable-warning=ExperimentalWarning", "--test", "--test-concurrency=1", ...files],
  { cwd: root, stdio: "inherit" },
);
process.exit(status ?? 1);
