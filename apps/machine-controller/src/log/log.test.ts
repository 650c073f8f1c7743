import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createLogContext } from "./log-context.ts";
import { createLog, type LogOptions } from "./log.ts";
import { createRedactor, redactError } from "./redactor.ts";

function logTo(options: Partial<LogOptions>) {
  const destination = join(mkdtempSync(join(tmpdir(), "log-")), "log");
  const log = createLog({ destination, debug: false, format: "json", ...options });
  const read = (): string => readFileSync(destination, "utf8").trim();
  /** They are written together, a moment later. */
  async function lines(): Promise<string[]> {
    while (read() === "") await sleep(10);
    return read().split("\n");
  }
  return { log, lines };
}

test("a line has time, level, message, its fields and those of the work around it", async () => {
  const context = createLogContext();
  const { log, lines } = logTo({ context: context.current });
  log("debug", "not shown");
  await context.with({ controller: "machine", machine: "a/b" }, async () => {
    await Promise.resolve();
    context.with({ requestId: "r1" }, () => log("info", "hello", { retryInMs: 5 }));
  });
  const [line, ...more] = (await lines()).map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(more, []);
  const { time, ...fields } = line ?? {};
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(fields, {
    level: "info",
    controller: "machine",
    machine: "a/b",
    requestId: "r1",
    retryInMs: 5,
    msg: "hello",
  });
});

test("the console form is one line for people", async () => {
  const { log, lines } = logTo({ format: "console" });
  log("warn", "two words", { machine: "a/b", why: 'a "b" c', n: 1 });
  assert.match((await lines())[0] ?? "", /^\S+Z WARN {2}two words machine=a\/b why="a \\"b\\" c" n=1$/);
});

test("concealed values are in no line, whatever form they are in and whatever field they stand in", async () => {
  const redactor = createRedactor();
  const secrets = [
    "t0ken-of-hetzner",
    'quo"te\\d pass',
    "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END KEY-----",
  ];
  for (const secret of secrets) redactor.conceal(`${secret}\n`);
  for (const format of ["json", "console"] as const) {
    const { log, lines } = logTo({ format, redact: redactor.redact });
    for (const secret of secrets) {
      log("error", `refused ${secret}!`, {
        url: `https://x/?key=${encodeURIComponent(secret)}`,
        header: `Basic ${Buffer.from(`user:${secret}`).toString("base64")}`,
        nested: { deep: [secret] },
        json: JSON.stringify({ secret }),
      });
    }
    log("warn", "a line of a key: MIIEvQIBADANBgkqhkiG9w0BAQEFAASC, refused");
    const text = (await lines()).join("\n");
    assert.match(text, /refused \[redacted\]!/);
    for (const secret of [...secrets, "MIIEvQ"]) {
      assert.ok(!text.includes(secret), secret);
      assert.ok(!text.includes(JSON.stringify(secret).slice(1, -1)), secret);
      assert.ok(!text.includes(encodeURIComponent(secret)), secret);
      for (const [encoded = ""] of text.matchAll(/[A-Za-z0-9+/]{16,}/g)) {
        assert.ok(!Buffer.from(encoded, "base64").toString().includes(secret), secret);
      }
    }
  }
});

test("fields with a secret's name are never printed, and words that are no secrets stay", async () => {
  const redactor = createRedactor();
  redactor.conceal("nbg1");
  redactor.conceal("");
  const { log, lines } = logTo({ redact: redactor.redact });
  log("info", "in nbg1", { token: "abc", config: { password: "def" } });
  assert.match(
    (await lines())[0] ?? "",
    /"token":"\[redacted\]","config":\{"password":"\[redacted\]"\},"msg":"in nbg1"/,
  );
});

test("an error is cleaned to its last cause, and stays what it is", () => {
  const redactor = createRedactor();
  redactor.conceal("s3cret-value");
  const cause = new TypeError("bad header s3cret-value");
  const error = new RangeError("refused s3cret-value", { cause });
  cause.cause = error;
  redactError(error, redactor.redact);
  assert.deepEqual([error.message, cause.message], ["refused [redacted]", "bad header [redacted]"]);
  assert.doesNotMatch(`${error.stack} ${cause.stack}`, /s3cret/);
  redactError("no error", redactor.redact);
});

test("credentials that were rotated away are forgotten before newer ones", () => {
  const redactor = createRedactor();
  for (let n = 0; n < 1_500; n++) redactor.conceal(`credential-number-${n}`);
  assert.equal(redactor.redact("x credential-number-1499 y"), "x [redacted] y");
  assert.equal(redactor.redact("credential-number-0"), "credential-number-0");
});
