// The image without Docker: the steps of deploy/Dockerfile replayed in a folder, and its command started from there as the
// image's user, who may write nothing.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { startController } from "../e2e/controller-process.ts";
import { freePorts } from "../peers/free-ports.ts";

const ROOT = join(import.meta.dirname, "../..");
const DOCKERFILE = join(ROOT, "deploy/Dockerfile");
const COMMANDS = join(ROOT, "deploy/bin");
const QUIET: StdioOptions = ["ignore", "ignore", "inherit"];
/** npm runs on the first node that it finds. */
const nodeFirst = `${dirname(process.execPath)}:${process.env["PATH"]}`;
const isRoot = process.getuid?.() === 0;
const noLinter = spawnSync("hadolint", ["--version"]).status === 0 ? false : "hadolint is not installed";

type Instruction = { name: string; argument: string };

describe("the image", () => {
  const folder = mkdtempSync(join(tmpdir(), "image-"));
  const app = join(folder, "app");
  const bin = join(folder, "bin");
  const [build, final] = stagesOf(readFileSync(DOCKERFILE, "utf8"));
  const only = (name: string): string => {
    const [found, ...more] = final.filter((instruction) => instruction.name === name);
    assert.ok(found && more.length === 0, `one ${name}`);
    return found.argument;
  };
  const [uid = 0, gid = 0] = only("USER").split(":").map(Number);
  const asUser = isRoot ? { uid, gid } : {};
  const environment = () => ({
    PATH: `${bin}:${nodeFirst}`,
    ...Object.fromEntries(
      only("ENV")
        .replaceAll("/app/", `${app}/`)
        .split(/ +/)
        .map((variable) => variable.split("=")),
    ),
  });

  before(() => {
    mkdirSync(app);
    chmodSync(folder, 0o755);
    mkdirSync(bin);
    for (const command of readdirSync(COMMANDS)) {
      // Where the image is `/app`, this one is somewhere else.
      const text = readFileSync(join(COMMANDS, command), "utf8").replaceAll(" /app/", ` ${app}/`);
      writeFileSync(join(bin, command), text, { mode: 0o755 });
    }
    for (const { name, argument } of build) {
      if (name === "COPY") copy(argument);
      else if (name === "RUN")
        execFileSync("sh", ["-c", argument], { cwd: app, env: { ...process.env, PATH: nodeFirst }, stdio: QUIET });
      else assert.ok(name === "FROM" || name === "WORKDIR", `this test does not know ${name}`);
    }
    const [size] = execFileSync("du", ["-sm", app], { encoding: "utf8" }).split("\t");
    console.log(`  the image adds ${size} MB to its base`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("passes hadolint", { skip: noLinter }, () => {
    execFileSync("hadolint", [DOCKERFILE], { stdio: "inherit" });
  });

  test("runs on the Node that everything else runs on", () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      devDependencies: Record<string, string>;
    };
    const [, version] = /^ARG NODE_VERSION=(\S+)$/m.exec(readFileSync(DOCKERFILE, "utf8")) ?? [];
    assert.equal(version, devDependencies["node"]);
    assert.equal(process.version, `v${version}`);
  });

  test("has no user's rights, tools or tests", () => {
    assert.ok(uid > 0 && gid > 0);
    const files = execFileSync("find", [app, "-type", "f"], { encoding: "utf8" }).trim().split("\n");
    const unwanted =
      /\/app\/(packages|providers|apps)\/.*\.(test|fixture)\.ts$|\/node_modules\/(typescript|oxlint|oxfmt|node)\/|(?<!gen\/models\/\w+)\.d\.ts$|\.map$/;
    assert.deepEqual(
      files.filter((file) => unwanted.test(file)),
      [],
    );
    assert.ok(files.some((file) => file.endsWith("apps/machine-controller/src/main.ts")));
  });

  test("tells its commands", async () => {
    const { code, output } = await start(["--help"]).ended;
    assert.equal(code, 0, output());
    for (const command of ["run", "webhook", "up"]) assert.match(output(), new RegExp(`^  ${command} `, "m"));
  });

  test("has the Go implementation's commands at their paths", async () => {
    assert.ok(final.some(({ name, argument }) => name === "COPY" && argument === "deploy/bin /usr/local/bin"));
    const { code, output } = await start(["-listen-address=:9876", "-tls-cert-path=/none"], {
      entrypoint: '["webhook"]',
    }).ended;
    assert.equal(code, 1);
    assert.match(output(), /mend -tls-cert-path/);
  });

  test("brings what Node compiled, for its user", { skip: isRoot ? false : "only root can be that user" }, () => {
    const ask = ["--print", "require('module').getCompileCacheDir()"];
    const { stdout } = spawnSync(process.execPath, ask, { encoding: "utf8", env: environment(), ...asUser });
    assert.ok(readdirSync(stdout.trim()).length > 100);
  });

  test("has words for kubectl explain", () => {
    const pod = join(app, "node_modules/@kubernetes/client-node/dist/gen/models/V1Pod.d.ts");
    assert.match(readFileSync(pod, "utf8"), /Pod is a collection of containers/);
  });

  test("runs to ready, writes nothing, passes its health check and stops when told", async (t) => {
    const state = join(folder, "state");
    const cluster = startController(["up", "--no-demo", "--port", "0", "--state-dir", state]);
    t.after(() => cluster.stop());
    await cluster.printed(/^ +export KUBECONFIG=/m);
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, readFileSync(join(state, "kubeconfig")), { mode: 0o644 });
    const { health, metrics } = await freePorts("health", "metrics");

    // `up` is a controller without a Lease: two of them on an empty cluster have nothing to disagree about.
    const controller = start(
      ["run", `--kubeconfig=${kubeconfig}`, `--health-probe-address=:${health}`, `--metrics-address=:${metrics}`],
      { mayWrite: false },
    );
    t.after(() => controller.kill());
    await controller.printed(/caches are filled/);
    const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    const alerts = readFileSync(join(ROOT, "deploy/helm/machine-controller/files/alerts.yaml"), "utf8");
    const named = new Set(alerts.match(/\b(machine|leader)_\w+/g)?.map((name) => name.replace(/_count$/, "")));
    assert.ok(named.size > 5);
    for (const name of named) assert.match(page, new RegExp(`^# TYPE ${name} `, "m"), "an alert's metric");

    const [, command = "null"] = /CMD (\[.*\])$/s.exec(only("HEALTHCHECK")) ?? [];
    const [node, ...args] = (JSON.parse(command) as string[]).map((part) => part.replace(":8085", `:${health}`));
    assert.equal(node, "node");
    assert.equal(spawnSync(process.execPath, args).status, 0);
    controller.kill("SIGTERM");
    const { code, output } = await controller.ended;
    assert.equal(code, 0, output());
    assert.notEqual(spawnSync(process.execPath, args).status, 0);
  });

  test("brings the laptop along", async (t) => {
    const state = join(folder, "laptop");
    mkdirSync(state);
    chmodSync(state, 0o777);
    const laptop = start(["up", "--port=0", `--state-dir=${state}`]);
    t.after(() => laptop.kill());
    await laptop.printed(/^3 of 3 Machines are Ready/m);
  });

  /** `COPY source … target`, of what the repository has and .dockerignore lets through. */
  function copy(argument: string): void {
    const parts = argument.split(/\s+/);
    const target = parts.pop() ?? "";
    const allowed = readFileSync(`${DOCKERFILE}.dockerignore`, "utf8")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    for (const source of parts) {
      assert.ok(allowed.includes(source), `${source} is not in the build context: add it to .dockerignore`);
      const files = execFileSync("git", ["ls-files", "-z", "--", source], { cwd: ROOT, encoding: "utf8" });
      for (const file of files.split("\0").filter(Boolean)) {
        const to = join(app, target, file === source ? basename(file) : relative(source, file));
        mkdirSync(dirname(to), { recursive: true });
        cpSync(join(ROOT, file), to);
      }
    }
  }

  function start(args: readonly string[], { mayWrite = true, entrypoint = only("ENTRYPOINT") } = {}) {
    const [command = "", ...entry] = JSON.parse(entrypoint) as string[];
    const child = spawn(command, [...entry, ...args], {
      cwd: app,
      env: { ...environment(), ...(!mayWrite && { NODE_OPTIONS: "--permission --allow-fs-read=*" }) },
      stdio: ["ignore", "pipe", "pipe"],
      ...asUser,
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => {
        text += `${line}\n`;
        child.emit("line");
      });
    }
    const output = (): string => text;
    const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
    return {
      ended,
      kill: (signal: NodeJS.Signals = "SIGKILL") => child.kill(signal),
      async printed(pattern: RegExp) {
        while (!pattern.test(text)) {
          const went = await Promise.race([once(child, "line"), ended.then(() => undefined)]);
          if (went === undefined && !pattern.test(text))
            throw new Error(`ended before it printed ${pattern}:\n${text}`);
        }
      },
    };
  }
});

/** The instructions of the two stages. */
function stagesOf(dockerfile: string): [Instruction[], Instruction[]] {
  const instructions = dockerfile
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => ({ name: line.split(" ")[0] ?? "", argument: line.slice(line.indexOf(" ") + 1).trim() }))
    .filter(({ name }) => name !== "ARG");
  const second = instructions.findLastIndex(({ name }) => name === "FROM");
  return [instructions.slice(0, second), instructions.slice(second)];
}
