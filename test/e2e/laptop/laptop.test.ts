// The way of somebody who has just cloned this: `up`, and then whatever kubectl can do to it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { after, before, describe, test } from "node:test";
import { freePorts } from "../../peers/free-ports.ts";
import { createCleanUp } from "../clean-up.ts";
import { type ControllerProcess, startController } from "../controller-process.ts";
import { type Check, until } from "../until.ts";
import { findKubectl } from "./find-kubectl.ts";
import { createKubectl, type Kubectl } from "./kubectl.ts";

const EXAMPLE = join(import.meta.dirname, "../../../examples/hetzner-machinedeployment.yaml");
const folder = mkdtempSync(join(tmpdir(), "laptop-"));
const cleanUp = createCleanUp();
cleanUp.defer(async () => rmSync(folder, { recursive: true }));
after(() => cleanUp.run());

function start(...args: string[]): ControllerProcess {
  const controller = startController(args);
  cleanUp.defer(() => controller.stop());
  return controller;
}

describe("what cannot work says why, and exits with 1", { concurrency: true }, () => {
  test("--help is no error, and names every option of up", async () => {
    const help = start("up", "--help");
    assert.equal(await help.exited, 0);
    for (const option of ["--state-dir", "--port", "--no-demo", "--apply"]) assert.ok(help.output().includes(option));
  });

  test("a port that is taken", async (t) => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    const taken = start("up", "--state-dir", join(folder, "taken"), "--port", String(port));
    assert.equal(await taken.exited, 1);
    assert.match(taken.output(), new RegExp(`^machine-controller: port ${port} .*in use.*--port\\n$`));
  });

  test("a folder that cannot be written", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const denied = start("up", "--state-dir", join(file, "state"), "--port", "0");
    assert.equal(await denied.exited, 1);
    assert.match(denied.output(), /^machine-controller: --state-dir \S+file\/state cannot be written .*choose another/);
  });

  test("a manifest that does not exist", async () => {
    const missing = start("up", "--state-dir", join(folder, "none"), "--port", "0", "--apply", "no.yaml");
    assert.equal(await missing.exited, 1);
    assert.match(missing.output(), /^machine-controller: no\.yaml: ENOENT/);
  });
});

const found = await findKubectl();
const skip = "missing" in found && found.missing;
if ("missing" in found) console.log(`what kubectl does to a running laptop is not tested: ${found.missing}`);

describe("a laptop in the hands of kubectl", { skip }, () => {
  const state = join(folder, "state");
  const deployment = "machinedeployment hetzner-workers --namespace kube-system";
  let up: ControllerProcess;
  let kubectl: Kubectl;
  let cloud = "";
  let port = 0;

  before(async () => {
    port = await freePairOfPorts();
    up = start("up", "--state-dir", state, "--port", String(port));
    [, cloud = ""] = await up.printed(/^simulated Hetzner Cloud +(\S+)$/m);
    const [, kubeconfig = ""] = await up.printed(/^ +export KUBECONFIG=(\S+)$/m);
    if ("path" in found) kubectl = createKubectl({ path: found.path, kubeconfig, home: folder });
  });

  test("the first start shows each machine's way, and then how to go on", async () => {
    assert.match(up.output(), /^✔ hetzner-workers-\S+ .*Ready \d+\.\d+ s$/m);
    assert.match(up.output(), /^3 of 3 Machines are Ready/m);
    assert.equal((await servers()).length, 3);
  });

  test("the three commands that it names work", async () => {
    const commands = [...up.output().matchAll(/^ +kubectl (.+)$/gm)].map(([, command = ""]) => command);
    assert.deepEqual(
      commands.map((command) => command.split(" ")[0]),
      ["get", "scale", "delete"],
    );
    const shown = await kubectl.run(commands[0] ?? "");
    for (const part of [/machinedeployment\S*\/hetzner-workers .*3/, /machine\S*\/hetzner-workers-/, /node\/.*Ready/]) {
      assert.match(shown, part);
    }
    for (const command of commands.slice(1)) await kubectl.run(command);
    await available(5);
  });

  test("describe tells the history of a machine", async () => {
    const [machine] = await names("machines");
    const described = await kubectl.run(`describe machine ${machine} --namespace kube-system`);
    assert.match(described, /Kind: +Machine/);
    assert.match(described, /Normal +Created .*machine-controller/);
  });

  test("what cannot work is refused, with the field and the remedy", async () => {
    const patches = [
      [
        '{"spec":{"template":{"spec":{"versions":{"kubelet":"1.36.x"}}}}}',
        /denied the request: .*versions\.kubelet.*1\.36\.x/,
      ],
      ['{"spec":{"selector":{"matchLabels":{"name":"other"}}}}', /denied the request: .*spec\.selector/],
    ] as const;
    for (const [patch, why] of patches) {
      await assert.rejects(kubectl.run(`patch ${deployment} --type=merge --patch=${patch}`), why);
    }
    const typo = `{"spec":{"template":{"spec":{"providerSpec":{"value":{"cloudProviderSpec":{"serverTyp":"cx33"}}}}}}}`;
    const refused = kubectl.run(`patch ${deployment} --type=merge --patch=${typo}`);
    await assert.rejects(refused, /serverTyp.*did you mean "?serverType/);
  });

  test("it scales up to 20 and down to 1", async () => {
    await kubectl.run(`scale ${deployment} --replicas=20`);
    await available(20);
    assert.equal((await names("nodes")).length, 20);
    await kubectl.run(`scale ${deployment} --replicas=1`);
    await settled("one server", async () => (await servers()).length === 1);
    await settled("one Node", async () => (await names("nodes")).length === 1);
  });

  test("a new kubelet version rolls out, with never fewer Ready Nodes than replicas", async () => {
    await kubectl.run(`scale ${deployment} --replicas=2`);
    await available(2);
    const old = await names("machines");
    const ready = kubectl.watchReadyNodes();
    const version = '--patch={"spec":{"template":{"spec":{"versions":{"kubelet":"1.35.4"}}}}}';
    await kubectl.run(`patch ${deployment} --type=merge ${version}`);
    await settled("only new Machines", async () => !(await names("machines")).some((name) => old.includes(name)));
    await available(2);
    await ready.stop();
    assert.equal(ready.least(), 2);
    const versions = await kubectl.run("get nodes --output=jsonpath={.items[*].status.nodeInfo.kubeletVersion}");
    assert.equal(versions, "v1.35.4 v1.35.4");
  });

  test("a deleted machine is replaced", async () => {
    const [first = "", second] = await names("machines");
    await kubectl.run(`delete machine ${first} --namespace kube-system`);
    let now: string[] = [];
    // Not by the status, which may still count the one that is gone.
    await settled("a Node in its place", async () => {
      now = (await names("machines")).toSorted();
      return now.length === 2 && isDeepStrictEqual((await names("nodes")).toSorted(), now);
    });
    assert.ok(!now.includes(first) && now.includes(second ?? ""));
    assert.deepEqual((await servers()).toSorted(), now);
    await available(2);
  });

  test("a second one on the same port says so", async () => {
    const second = start("up", "--state-dir", join(folder, "second"), "--port", String(port));
    assert.equal(await second.exited, 1);
    assert.match(second.output(), new RegExp(`port ${port} .*in use`));
  });

  test("with the deployment the cloud empties", async () => {
    await kubectl.run(`delete ${deployment}`);
    await settled("no server", async () => (await servers()).length === 0);
    await settled("no Machine and no Node", async () =>
      (await Promise.all([names("machines"), names("nodes")])).every(({ length }) => length === 0),
    );
  });

  test("Ctrl-C ends it in order, and the next start continues", async () => {
    await kubectl.run(`apply --filename ${EXAMPLE}`);
    await available(3);
    const before = await names("machines");
    assert.equal(await up.stop(), 0);
    assert.match(up.output(), /Stopped\. The cluster is kept in/);
    up = start("up", "--state-dir", state, "--port", String(port));
    await up.printed(/^continuing with 1 MachineDeployment/m);
    await up.printed(/^3 of 3 Machines are Ready/m);
    assert.doesNotMatch(up.output(), /^✔/m);
    assert.deepEqual(await names("machines"), before);
    await kubectl.run("wait --for=condition=Ready nodes --all --timeout=30s");
    await kubectl.run(`scale ${deployment} --replicas=4`);
    await available(4);
    assert.equal(await up.stop(), 0);
  });

  async function names(resource: string): Promise<string[]> {
    const listed = await kubectl.run(`get ${resource} --namespace kube-system --output=name`);
    return listed
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split("/")[1] ?? "");
  }

  async function available(replicas: number): Promise<void> {
    // The status is of this generation once it counts the replicas asked for.
    for (const field of ["replicas", "updatedReplicas", "availableReplicas"]) {
      await kubectl.run(`wait --for=jsonpath={.status.${field}}=${replicas} ${deployment} --timeout=30s`);
    }
  }

  async function servers(): Promise<string[]> {
    const headers = { authorization: "Bearer simulated-token" };
    const response = await fetch(`${cloud}/servers?per_page=50`, { headers });
    assert.equal(response.status, 200);
    return ((await response.json()) as { servers: { name: string }[] }).servers.map(({ name }) => name);
  }
});

async function settled(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const check: Check<void> = async () => ((await isSo()) ? { done: undefined } : { pending: "not yet" });
  await until(what, check, {
    timeoutMs: 30_000,
    pollMs: 100,
    quietMs: 5_000,
    progress: console.log,
    signal: cleanUp.signal,
  });
}

/** The API server takes the first, the simulated cloud the one after it. */
async function freePairOfPorts(): Promise<number> {
  for (;;) {
    const { first } = await freePorts("first");
    const server = createServer().listen(first + 1, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return first;
  }
}
