import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { startBodyFor } from "./body.ts";

const PROGRAM = join(import.meta.dirname, "../../.cache/peers/go-clients");
const BUILD = ["build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", PROGRAM, "."];

before(() => {
  const env = { ...process.env, CGO_ENABLED: "0" };
  const { status, stderr } = spawnSync("go", BUILD, { cwd: join(import.meta.dirname, "go"), env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
});

for (const [name, title] of Object.entries({
  "informer-pages": "a client-go informer over 10,000 objects, by pages",
  "informer-watchlist": "a client-go informer over 10,000 objects, by a watch with initial events",
  "controller-runtime": "a controller-runtime client creates, patches, applies, lists and deletes",
  manager: "a controller-runtime manager reconciles 200 objects and what they own",
  "leader-election": "three candidates lead one after the other",
  "metadata-dynamic": "discovery, dynamic and metadata clients, and a watch that carries on",
})) {
  test(title, async (t) => {
    const { kubeconfigPath } = await startBodyFor(t);
    const { stdout } = await promisify(execFile)(PROGRAM, [name], { env: { KUBECONFIG: kubeconfigPath } });
    if (stdout !== "") t.diagnostic(stdout.trim());
  });
}
