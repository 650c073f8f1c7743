// Builds the test peers from the Go tools of `etcd/go.mod` and `kubernetes/go.mod` into `.cache/peers/`.
// As a command (`node test/peers/build.ts`) it prints where they are.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onProcessEnd } from "./process-end.ts";

/** Paths of the executables. */
export interface PeerBinaries {
  etcd: string;
  kubeApiserver: string;
  kubeControllerManager: string;
  kubectl: string;
}

export interface BuildOptions {
  signal?: AbortSignal;
  /** Where progress lines go; stderr by default. */
  log?: (line: string) => void;
}

const CACHE = join(import.meta.dirname, "../../.cache/peers");
const PROGRESS_MS = 20_000;
const KEPT_OUTPUT_LINES = 40;
/** As Kubernetes releases are built; also, no C compiler is needed. */
const ENVIRONMENT = { CGO_ENABLED: "0" };

/** Folder of a Go module of ours → the tools it builds, by the name of the executable. */
const TOOLS = {
  etcd: { etcd: "go.etcd.io/etcd/server/v3" },
  kubernetes: {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    kubectl: "k8s.io/kubernetes/cmd/kubectl",
  },
  helm: { helm: "helm.sh/helm/v4/cmd/helm" },
};

/**
 * Builds what is not in the cache yet: some minutes the first time, then nothing. `skipped` says why this machine
 * cannot build them (no Go, or one too old for the modules); a build that fails throws with the end of its output.
 */
export async function buildPeers(options: BuildOptions = {}): Promise<PeerBinaries | { skipped: string }> {
  const etcd = planOf("etcd");
  const kubernetes = planOf("kubernetes");
  const skipped = await buildMissing([etcd, kubernetes], options);
  if (skipped !== undefined) return { skipped };
  return {
    etcd: join(etcd.folder, "etcd"),
    kubeApiserver: join(kubernetes.folder, "kube-apiserver"),
    kubeControllerManager: join(kubernetes.folder, "kube-controller-manager"),
    kubectl: join(kubernetes.folder, "kubectl"),
  };
}

/** The same for Helm, which only its own test asks for. */
export async function buildHelm(options: BuildOptions = {}): Promise<{ helm: string } | { skipped: string }> {
  const plan = planOf("helm");
  const skipped = await buildMissing([plan], options);
  return skipped === undefined ? { helm: join(plan.folder, "helm") } : { skipped };
}

async function buildMissing(plans: Plan[], options: BuildOptions): Promise<string | undefined> {
  for (const plan of plans.filter(({ folder }) => !existsSync(folder))) {
    const skipped = whyNotBuildable(plan);
    if (skipped !== undefined) return skipped;
    await build(plan, options);
  }
  return undefined;
}

interface Plan {
  module: string;
  tools: Record<string, string>;
  source: string;
  flags: string[];
  /** The finished folder in the cache, named by everything that the build depends on. */
  folder: string;
}

function planOf(module: keyof typeof TOOLS): Plan {
  const tools = TOOLS[module];
  const source = join(import.meta.dirname, module);
  const goMod = readFileSync(join(source, "go.mod"), "utf8");
  const goSum = readFileSync(join(source, "go.sum"), "utf8");
  const flags = ["-mod=readonly", "-trimpath", "-ldflags", ["-s", "-w", ...kubernetesVersionFlags(goMod)].join(" ")];
  const key = createHash("sha256")
    .update(JSON.stringify([goMod, goSum, flags, ENVIRONMENT, tools, process.platform, process.arch]))
    .digest("hex");
  return { module, tools, source, flags, folder: join(CACHE, `${module}-${key.slice(0, 16)}`) };
}

/** Without these, `/version` and every User-Agent say v0.0.0. */
function kubernetesVersionFlags(goMod: string): string[] {
  const [, gitVersion, gitMajor, gitMinor] = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\S+)/.exec(goMod) ?? [];
  if (gitVersion === undefined) return [];
  return ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((variables) =>
    Object.entries({ gitVersion, gitMajor, gitMinor }).map(([name, value]) => `-X ${variables}.${name}=${value}`),
  );
}

function whyNotBuildable({ source }: Plan): string | undefined {
  const { error, status, stderr } = spawnSync("go", ["list", "-m"], { cwd: source, encoding: "utf8" });
  if (error) return "the real control plane is built with Go, and `go` cannot be run here (https://go.dev/dl)";
  return status === 0 ? undefined : `this Go cannot build the real control plane: ${stderr.trim()}`;
}

async function build({ module, tools, source, flags, folder }: Plan, options: BuildOptions): Promise<void> {
  const { signal, log = console.error } = options;
  const started = performance.now();
  const took = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
  const names = Object.keys(tools);
  const partial = `${folder}.${process.pid}.partial`;
  // Given a folder, go names an executable after its package, which for etcd would be "server".
  const output = names.length === 1 ? join(partial, ...names) : `${partial}/`;

  log(`building ${names.join(", ")} (minutes the first time) …`);
  mkdirSync(partial, { recursive: true });
  const go = spawn("go", ["build", "-v", ...flags, "-o", output, ...Object.values(tools)], {
    cwd: source,
    env: { ...process.env, ...ENVIRONMENT },
    stdio: ["ignore", "ignore", "pipe"],
    killSignal: "SIGINT",
    ...(signal && { signal }),
  });
  const release = onProcessEnd(() => {
    go.kill("SIGINT");
    rmSync(partial, { recursive: true, force: true });
  });
  const tail: string[] = [];
  let packages = 0;
  createInterface(go.stderr).on("line", (line) => {
    packages++;
    tail.push(line);
    if (tail.length > KEPT_OUTPUT_LINES) tail.shift();
  });
  const progress = setInterval(() => log(`  ${module}: ${packages} packages compiled, ${took()}`), PROGRESS_MS);
  try {
    const [code] = await once(go, "close");
    if (code !== 0) throw new Error(`go build of ${names.join(", ")} failed:\n${tail.join("\n")}`);
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    clearInterval(progress);
    release();
    rmSync(partial, { recursive: true, force: true });
  }
  removeOutdated(module, folder);
  log(`built ${names.join(", ")} in ${took()}`);
}

/** Builds of earlier versions are some 300 MB each. */
function removeOutdated(module: string, current: string): void {
  for (const entry of readdirSync(CACHE)) {
    const path = join(CACHE, entry);
    if (!entry.startsWith(`${module}-`) || entry.endsWith(".partial") || path === current) continue;
    rmSync(path, { recursive: true });
  }
}

if (import.meta.main) console.log(await buildPeers());
