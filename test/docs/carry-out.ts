// Does what a page says, in a folder that looks like the repository, with the kubectl and the cluster that it is given.
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  admitMachine,
  admitMachineDeployment,
  admitMachineSet,
  parseVersionConstraint,
} from "@machine-controller/admission";
import { parseAllDocuments } from "yaml";
import { providerDefinitions } from "../../apps/machine-controller/src/providers.generated.ts";
import type { Snippet } from "./page.ts";

export type Reader = {
  /** Resolves when the snippet did what it should; rejects with its output otherwise. */
  carryOut(snippet: Snippet): Promise<void>;
  close(): void;
};

const ROOT = join(import.meta.dirname, "../..");
const SHOWN = ["deploy", "examples", "apps", "packages", "providers", "node_modules", "package.json"];
const BASH = ["--norc", "-eu", "-c"];
const TIMEOUT_MS = 90_000;

/** @param tools programs by the name that pages call them. */
export function createReader(options: {
  tools: Readonly<Record<string, string>>;
  environment: Readonly<Record<string, string>>;
}): Reader {
  const folder = mkdtempSync(join(tmpdir(), "docs-"));
  const bin = join(folder, "bin");
  const cwd = join(folder, "machine-controller");
  for (const path of [bin, cwd]) mkdirSync(path);
  for (const name of SHOWN) symlinkSync(join(ROOT, name), join(cwd, name));
  for (const [name, path] of Object.entries(options.tools)) {
    symlinkSync(path, join(bin, name));
  }
  const env = { ...options.environment, HOME: folder, PATH: `${bin}:${process.env["PATH"]}` };

  async function shell(text: string): Promise<string> {
    const { stdout, stderr } = await promisify(execFile)("bash", [...BASH, text], { cwd, env, timeout: TIMEOUT_MS });
    return stdout + stderr;
  }

  async function runUntil(text: string, until: RegExp): Promise<void> {
    const child = spawn("bash", [...BASH, `exec ${text}`], {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error(`did not say ${until}:\n${output}`)), TIMEOUT_MS);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        output += part;
        if (until.test(output)) resolve();
      });
    }
    child.once("error", reject).once("close", (code) => reject(new Error(`ended with ${code}:\n${output}`)));
    await promise.finally(() => {
      clearTimeout(timer);
      child.removeAllListeners("close").kill("SIGINT");
    });
  }

  async function carryOut({ language, text, file, until }: Snippet): Promise<void> {
    if (language === "json") return void JSON.parse(text);
    if (language === "sh") return until === undefined ? void (await shell(text)) : runUntil(text, until);
    await admit(text);
    const path = join(cwd, file ?? "snippet.yaml");
    writeFileSync(path, text);
    if (file === undefined) await shell(`kubectl apply --dry-run=server --filename ${path}`);
  }

  return {
    async carryOut(snippet) {
      const { page, line, fails } = snippet;
      const outcome = await carryOut(snippet).then(
        () => undefined,
        (error: Error & { stdout?: string }) => error,
      );
      const said = outcome && `${outcome.message}\n${outcome.stdout ?? ""}`;
      if (fails === undefined ? said === undefined : said !== undefined && fails.test(said)) return;
      throw new Error(`${page}:${line}: ${said ?? `should fail with ${fails}`}`, { cause: outcome });
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What no schema tells: the webhooks' rules. @throws with their message. */
async function admit(text: string): Promise<void> {
  const context = {
    providers: providerDefinitions,
    allowsKubelet: parseVersionConstraint(">=1.33.0"),
    kubeletFeatureGates: {},
    externalCloudProvider: false,
  };
  const rules = { Machine: admitMachine, MachineSet: admitMachineSet, MachineDeployment: admitMachineDeployment };
  for (const document of parseAllDocuments(text)) {
    if (document.errors[0]) throw document.errors[0];
    const object = document.toJS() as Record<string, unknown> | null;
    const rule = Object.entries(rules).find(([kind]) => kind === object?.["kind"])?.[1];
    const verdict = object && (await rule?.({ operation: "CREATE", object, user: "reader" }, context));
    if (verdict && !verdict.allowed) throw new Error(verdict.message);
  }
}
