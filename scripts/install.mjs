// Makes node_modules match package-lock.json before a script runs; does nothing when it already does.
// Plain JavaScript for the Node that npm itself runs on; everything after it runs on the `node` package.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST_NODE = 20;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "node_modules", ".installed");

const major = Number(process.versions.node.split(".")[0]);
if (major < OLDEST_NODE) {
  console.error(
    `machine-controller needs Node ${OLDEST_NODE} or newer to install itself, and this is Node ${process.versions.node}. ` +
      `Install a newer Node (https://nodejs.org) and run the command again.`,
  );
  process.exit(1);
}

const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const installed = (() => {
  try {
    return readFileSync(stamp, "utf8");
  } catch {
    return "";
  }
})();

if (installed !== wanted) {
  console.error("Installing dependencies (once, about 20 s) …");
  // Not `npm ci`: it refuses a lock file that lacks a tool's optional binaries for platforms their registry does not serve.
  const { status, error } = spawnSync("npm", ["install", "--no-save", "--loglevel=error", "--no-fund", "--no-audit"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error(
      `npm install failed${error ? `: ${error.message}` : ""}. Fix what it says above and run the command again.`,
    );
    process.exit(status ?? 1);
  }
  writeFileSync(stamp, wanted);
}
