import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";

const SUITE = `
  import { createCleanUp } from ${JSON.stringify(join(import.meta.dirname, "clean-up.ts"))};
  const cleanUp = createCleanUp();
  cleanUp.defer(async () => console.log("cluster stopped"));
  cleanUp.defer(() => Promise.reject(new Error("cloud does not answer")));
  cleanUp.defer(() => new Promise((resolve) => setTimeout(resolve, Number(process.env.SLOW))));
  cleanUp.signal.addEventListener("abort", () => console.log("interrupted"));
  setInterval(() => undefined, 1_000);
  console.log("running");
`;

for (const { signals, slow, code, says } of [
  { signals: ["SIGINT"], slow: 0, code: 130, says: /interrupted\n[^]*cluster stopped/ },
  { signals: ["SIGTERM"], slow: 0, code: 143, says: /interrupted\n[^]*cluster stopped/ },
  // As `node --test` passes a Ctrl-C on.
  { signals: ["SIGINT", "SIGTERM"], slow: 100, code: 130, says: /interrupted\n[^]*cluster stopped/ },
  { signals: ["SIGINT", "SIGINT"], slow: 60_000, code: 130, says: /interrupted\n$/ },
] as const) {
  test(`after ${signals.join(", ")}: exit code ${code}, and ${says} is said`, async () => {
    const suite = spawn(process.execPath, ["--input-type=module", "--eval", SUITE], {
      env: { SLOW: String(slow) },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    suite.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
    for (const signal of signals) {
      await once(suite.stdout, "data");
      suite.kill(signal);
    }
    const [exitCode] = (await once(suite, "close")) as [number];
    assert.equal(exitCode, code);
    assert.match(output, says);
  });
}
