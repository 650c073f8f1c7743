// The Python client of Kubernetes, unmodified, from PyPI.
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { customResourceDefinitions } from "@machine-controller/api";
import type { Body } from "../body.ts";

const CACHE = join(import.meta.dirname, "../../../.cache");
const REQUIREMENTS = join(import.meta.dirname, "requirements.txt");
const PROGRAM = join(import.meta.dirname, "program.py");
const TIMEOUT_MS = 120_000;

const TESTS = {
  objects: "creates, reads, replaces, patches in each way, and deletes",
  pages: "lists page by page",
  custom_objects: "works with Machines, their status and scale",
  access: "evicts, issues tokens, and asks what it may do",
  dynamic_client: "discovers kinds, applies, and handles objects of any",
  watches: "a watch carries on from a resourceVersion",
  informer: "an informer over a thousand objects ends with what the server has",
};

/** Without Python, or what has to be installed, they are skipped, with the reason. */
export function pythonSuite(title: string, start: () => Promise<Body>): void {
  const client = installClient();
  if ("skipped" in client) console.log(`${title}: ${client.skipped}`);
  describe(title, { skip: "skipped" in client && client.skipped }, () => {
    let body: Body;
    before(async () => {
      body = await start();
    });
    after(() => body.stop());
    for (const [name, what] of Object.entries(TESTS)) {
      test(what, async () => {
        const env = {
          PATH: process.env["PATH"],
          PYTHONPATH: "folder" in client ? client.folder : "",
          PYTHONDONTWRITEBYTECODE: "1",
          KUBECONFIG: body.kubeconfigPath,
          MACHINE_CRDS: JSON.stringify(customResourceDefinitions),
        };
        await promisify(execFile)("python3", [PROGRAM, name], { env, timeout: TIMEOUT_MS });
      });
    }
  });
}

/** Installs the client into the cache, once. */
function installClient(): { folder: string } | { skipped: string } {
  const python = spawnSync("python3", ["--version"], { encoding: "utf8" });
  if (python.status !== 0) return { skipped: "there is no python3" };
  const wanted = createHash("sha256").update(python.stdout).update(readFileSync(REQUIREMENTS)).digest("hex");
  const folder = join(CACHE, `python-client-${wanted.slice(0, 16)}`);
  if (existsSync(folder)) return { folder };
  const partial = `${folder}.${process.pid}`;
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", partial];
  const installed = spawnSync("python3", [...pip, "--requirement", REQUIREMENTS], {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
  });
  if (installed.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    return { skipped: `pip cannot install it: ${installed.stderr.trim().split("\n").at(-1)}` };
  }
  renameSync(partial, folder);
  return { folder };
}
