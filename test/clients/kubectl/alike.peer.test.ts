// The same session with kubectl on the embedded and on the real control plane: it prints the same, but for what the
// server chooses.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startRealControlPlane } from "../../peers/real-control-plane.ts";
import { startEmbeddedProcess } from "../embedded-process.ts";
import { COMMANDS, type Command } from "./commands.ts";
import { createKubectl, findKubectls, type Answer, type Kubectl } from "./kubectl.ts";

const CONTROLLERS = [
  "namespace-controller",
  "garbage-collector-controller",
  "serviceaccount-controller",
  "root-ca-certificate-publisher-controller",
  "clusterrole-aggregation-controller",
  "disruption-controller",
];
const ATTEMPTS = 50;

const found = [...(await findKubectls())];
const chosen = process.env["KUBECTL_VERSIONS"]?.split(",");
// Each takes a minute and more: the newest and the oldest there is, unless others are asked for.
const kubectls = found.filter(([minor], index) =>
  chosen === undefined ? index === 0 || index === found.length - 1 : chosen.includes(`1.${minor}`),
);

for (const [minor, path] of kubectls) {
  test(`kubectl 1.${minor} prints the same on both control planes`, async (t) => {
    const bodies = { embedded: await startEmbeddedProcess(), real: await startReal(t) };
    t.after(() => bodies.embedded.stop());
    const folder = mkdtempSync(join(tmpdir(), "kubectl-test-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const each = Object.entries(bodies).map(([name, { kubeconfigPath }]) =>
      // Each with a cache of its own.
      createKubectl({ minor, path, folder: join(folder, name), kubeconfig: () => kubeconfigPath }),
    );
    for (const kubectl of each) await kubectl.run(`create namespace ${kubectl.namespace}`);
    for (const [title, commands] of Object.entries(COMMANDS)) {
      await t.test(title, async (group) => {
        for (const command of commands) {
          const [embedded, real] = await Promise.all(each.map((kubectl) => runOn(kubectl, command)));
          await group.test(String(command.line), () => assert.deepEqual(embedded, real));
        }
      });
    }
  });
}

async function startReal(t: TestContext): Promise<{ kubeconfigPath: string }> {
  // Neither runs workloads, so that no one else changes what the commands work on.
  const real = await startRealControlPlane({ controllers: CONTROLLERS });
  if ("skipped" in real) throw new Error(real.skipped);
  t.after(() => real.stop());
  return real;
}

async function runOn(kubectl: Kubectl, { line, stdin, env, eventually }: Command): Promise<Answer> {
  const name = (part: string): string => part.replaceAll("NS", kubectl.namespace);
  const input = stdin === undefined ? "" : name(JSON.stringify(stdin));
  const options = { stdin: input, ...(env === undefined ? {} : { env }) };
  const parts = (typeof line === "string" ? line.split(" ") : line).map(name);
  for (let attempt = 1; ; attempt++) {
    const answer = await kubectl.run(parts, options);
    if (answer.code === 0 || eventually !== true || attempt === ATTEMPTS) {
      const isDescribed = parts[0] === "explain" && !parts.includes("--recursive");
      return { ...answer, text: normal(isDescribed ? withoutDescriptions(answer.text) : answer.text) };
    }
    await sleep(100);
  }
}

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** The words on a field are each server's own. */
function withoutDescriptions(text: string): string {
  return text.replace(/^( {4}.*)?\n/gm, "");
}

/** Without what no two servers, and no two moments, have in common. */
function normal(text: string): string {
  return (
    text
      .replace(UID, "UID")
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME")
      .replace(/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000/g, "TIME")
      .replace(/(resourceVersion"?:) ?"?\d+"?/g, "$1 VERSION")
      .replace(/Resource Version: +\d+/g, "Resource Version: VERSION")
      .replace(/^[WIE]\d{4} \S+ +\d+ /gm, "LOG ")
      // Whether client-go notices its own deadline in the midst of a watch is chance.
      .replace(/^LOG reflector\.go.*"Failed to watch" err="context deadline exceeded".*\n/gm, "")
      .replace(/https:\/\/127\.0\.0\.1:\d+/g, "SERVER")
      .replace(/(LIVE|MERGED)-\d+/g, "$1")
      .replace(/ +(\d+[smh])+( |$)/gm, " AGE$2")
      .replace(/ +AGE/g, " AGE")
      .replace(/\t\d{4}-\d\d-\d\d .*$/gm, "\tTIME")
  );
}
