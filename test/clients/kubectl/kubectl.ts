// kubectl as people have it: every version found on the PATH, and the one built as a test peer.
import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe } from "node:test";
import { promisify } from "node:util";
import { buildPeers } from "../../peers/build.ts";
import { startBody, type Body } from "../body.ts";

const OLDEST_MINOR = 27;
const TIMEOUT_MS = 30_000;

export interface Answer {
  /** stdout and stderr, in that order. */
  text: string;
  code: number;
}

export interface RunOptions {
  /** An object is sent as JSON, several as a List. */
  stdin?: string | object;
  env?: Record<string, string>;
}

export interface Kubectl {
  /** 1.minor */
  minor: number;
  /** A namespace of this version's own, which its commands are in unless they say otherwise. */
  namespace: string;
  /** A folder for files of the tests. */
  folder: string;
  /** `command` is split at blanks; an array is not. */
  run(command: string | string[], options?: RunOptions): Promise<Answer>;
  /** Runs the command, fails the test unless what it prints matches, and it exits with 0. */
  expect(command: string | string[], pattern: RegExp, stdin?: string | object): Promise<string>;
  /** The same for a command that exits with another code. */
  refuses(command: string | string[], pattern: RegExp, stdin?: string | object): Promise<string>;
  start(command: string | string[]): ChildProcess;
}

/**
 * Runs the tests that `define` defines once for every kubectl; `KUBECTL_VERSIONS=1.36,1.27` chooses some. All share a
 * control plane: what is not in a namespace has to bear `kubectl.namespace` in its name.
 */
export function describeKubectls(title: string, define: (kubectl: Kubectl) => void): void {
  const chosen = process.env["KUBECTL_VERSIONS"]?.split(",");
  describe(title, () => {
    let body: Body;
    before(async () => {
      body = await startBody();
    });
    after(() => body.stop());
    for (const [minor, path] of found) {
      if (chosen?.includes(`1.${minor}`) === false) continue;
      describe(`kubectl 1.${minor}`, () => {
        const folder = mkdtempSync(join(tmpdir(), "kubectl-test-"));
        const kubectl = createKubectl({ minor, path, folder, kubeconfig: () => body.kubeconfigPath });
        before(async () => {
          await kubectl.expect(`create namespace ${kubectl.namespace}`, /created/);
        });
        after(() => rmSync(folder, { recursive: true, force: true }));
        define(kubectl);
      });
    }
  });
}

export function createKubectl(options: {
  minor: number;
  path: string;
  folder: string;
  kubeconfig: () => string;
}): Kubectl {
  const { minor, path, folder } = options;
  const namespace = `kubectl-1-${minor}`;
  // A namespace that the command names comes later, and wins.
  const argsOf = (command: string | string[]): string[] => [
    `--namespace=${namespace}`,
    ...(typeof command === "string" ? command.split(" ") : command),
  ];
  const environment = (): NodeJS.ProcessEnv => ({
    PATH: process.env["PATH"],
    HOME: folder,
    KUBECONFIG: options.kubeconfig(),
    KUBECTL_KUBERC: "false",
  });
  const run = async (command: string | string[], { stdin = "", env }: RunOptions = {}): Promise<Answer> => {
    const running = promisify(execFile)(path, argsOf(command), {
      env: { ...environment(), ...env },
      timeout: TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
    running.child.stdin?.end(typeof stdin === "string" ? stdin : JSON.stringify(toManifest(stdin)));
    try {
      const { stdout, stderr } = await running;
      return { text: stdout + stderr, code: 0 };
    } catch (error) {
      const failed = error as { stdout: string; stderr: string; code: number | null };
      return { text: failed.stdout + failed.stderr, code: failed.code ?? -1 };
    }
  };
  return {
    minor,
    namespace,
    folder,
    run,
    async expect(command, pattern, stdin = "") {
      const { text, code } = await run(command, { stdin });
      assert.match(text, pattern, `${String(command)} (exit code ${code})`);
      assert.equal(code, 0, `${String(command)}\n${text}`);
      return text;
    },
    async refuses(command, pattern, stdin = "") {
      const { text, code } = await run(command, { stdin });
      assert.match(text, pattern, `${String(command)} (exit code ${code})`);
      assert.notEqual(code, 0, `${String(command)}\n${text}`);
      return text;
    },
    start: (command) => spawn(path, argsOf(command), { env: environment(), stdio: ["ignore", "pipe", "inherit"] }),
  };
}

function toManifest(stdin: object): object {
  return Array.isArray(stdin) ? { apiVersion: "v1", kind: "List", items: stdin } : stdin;
}

/** Minor version → path. On the PATH they are called kubectl; beside what that links to, kubectl.1.31 and the like. */
export async function findKubectls(): Promise<Map<number, string>> {
  const peers = await buildPeers();
  const onPath = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const folders = new Set(onPath.flatMap((folder) => [folder, ...linkTargets(folder)]));
  const paths = [...folders].flatMap((folder) =>
    namesIn(folder)
      .filter((name) => /^kubectl(\.1\.\d+)?$/.test(name))
      .map((name) => join(folder, name)),
  );
  const found = new Map<number, string>();
  for (const path of "skipped" in peers ? paths : [...paths, peers.kubectl]) {
    const minor = await minorOf(path);
    if (minor >= OLDEST_MINOR) found.set(minor, path);
  }
  return new Map([...found].sort(([a], [b]) => b - a));
}

function linkTargets(folder: string): string[] {
  return namesIn(folder).includes("kubectl") ? [dirname(realpathSync(join(folder, "kubectl")))] : [];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function minorOf(path: string): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)(path, ["version", "--client", "--output=json"]);
    const { clientVersion } = JSON.parse(stdout) as { clientVersion: { minor: string } };
    return Number.parseInt(clientVersion.minor, 10);
  } catch {
    return 0;
  }
}

const found = await findKubectls();
console.log(`kubectl: ${[...found.keys()].map((minor) => `1.${minor}`).join(", ") || "none found"}`);
