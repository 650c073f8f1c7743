import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";

/** A process whose command is the given expression of `signal`. */
async function run(command: string, signals: readonly NodeJS.Signals[]): Promise<{ code: number; output: string }> {
  const script = `
    import { runToEnd } from ${JSON.stringify(join(import.meta.dirname, "process-end.ts"))};
    const alive = setInterval(() => undefined, 1_000);
    const log = (level, message) => console.log(level + ": " + message);
    await runToEnd(log, async (signal) => { console.log("running"); await (${command}); });
    clearInterval(alive);
  `;
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", script],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  await once(child.stdout, "data");
  for (const signal of signals) child.kill(signal);
  const [code] = (await once(child, "close")) as [number];
  return { code, output };
}

const untilAborted = "new Promise((resolve) => signal.addEventListener('abort', resolve))";

test("a signal ends a command gently, with 0", async () => {
  assert.deepEqual(await run(untilAborted, ["SIGTERM"]), { code: 0, output: "running\ninfo: stopped\n" });
});

test("a second signal ends at once what does not come to its end, with 1", async () => {
  const { code, output } = await run("new Promise(() => undefined)", ["SIGTERM", "SIGINT"]);
  assert.equal(code, 1);
  assert.match(output, /error: a second signal: SIG(INT|TERM)/);
});

test("an error ends the process with 1, and so does a defect that nobody waits for", async () => {
  const failed = await run("Promise.reject(new Error('no cluster'))", []);
  assert.deepEqual(failed, { code: 1, output: "running\nerror: no cluster\n" });
  const defect = await run("(setTimeout(() => { throw new Error('oops'); }, 1), new Promise(() => undefined))", []);
  assert.deepEqual(defect, { code: 1, output: "running\nerror: a defect ends the process\n" });
});
