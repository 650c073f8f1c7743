// Clients that misuse connections: each is answered or hung up on, nobody else has to wait, and all they held is free again.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { createHostileRequest, createRandom, describeRequest, problemOf } from "./hostile-requests.ts";
import { startServerUnderAttack, type ServerUnderAttack } from "./server-under-attack.ts";

const REQUESTS = 600;
const PARALLEL = 8;
const PATIENCE_MS = 20_000;
const MAX_GROWTH_MIB = 150;
const MAX_WAIT_MS = 3_000;
const MAPS = "/api/v1/namespaces/default/configmaps";
const CREATE = `POST ${MAPS} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;

test("clients that misuse connections hold up nobody", async (t) => {
  const server = await startServerUnderAttack(t, { parallel: PARALLEL });
  await others(server);
  const before = { rss: server.rssMiB(), files: server.openFiles() };
  for (const [what, attack] of Object.entries(ATTACKS)) {
    await t.test(what, async (attacked) => {
      const sockets: TLSSocket[] = [];
      const open = async (): Promise<TLSSocket> => {
        const socket = await server.open();
        sockets.push(socket);
        return socket;
      };
      await attack({ ...server, open }, attacked);
      await others(server);
      for (const socket of sockets) socket.destroy();
      assert.deepEqual(server.failures().slice(0, 3), []);
    });
  }
  await until("connections to be let go", () => server.openFiles() <= before.files + PARALLEL);
  const growth = server.rssMiB() - before.rss;
  t.diagnostic(`grew by ${growth.toFixed(0)} MiB`);
  assert.ok(growth < MAX_GROWTH_MIB, `${growth} MiB`);
});

/** Somebody else asks, and has not long to wait. */
async function others({ send }: ServerUnderAttack): Promise<void> {
  const start = performance.now();
  const { status } = await send({ method: "GET", path: "/readyz", headers: {} });
  assert.equal(status, 200);
  assert.ok(performance.now() - start < MAX_WAIT_MS, "others have to wait");
}

const ATTACKS: Record<string, (server: ServerUnderAttack, t: TestContext) => Promise<void>> = {
  async "malformed requests over TLS"({ send }, t) {
    const random = createRandom(1);
    const problems: string[] = [];
    const seen = new Map<number, number>();
    const work = async (): Promise<void> => {
      for (let count = 0; count < REQUESTS / PARALLEL; count += 1) {
        const request = createHostileRequest(random);
        const answer = await send(request).catch((error: unknown) => ({ status: 0, text: String(error) }));
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        const problem = problemOf(request, answer);
        if (problem !== undefined)
          problems.push(`${problem}: ${describeRequest(request)}: ${answer.text.slice(0, 300)}`);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    t.diagnostic(`answers: ${JSON.stringify(Object.fromEntries(seen))}`);
    assert.deepEqual(problems.slice(0, 5), []);
  },

  async "what is no HTTP"({ open }) {
    for (const bytes of [
      "\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      `GET /${"a".repeat(2_000_000)} HTTP/1.1\r\n\r\n`,
      "POST /api HTTP/1.1\r\nContent-Length: x\r\n\r\n",
      `${CREATE}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${CREATE}transfer-encoding: chunked\r\n\r\nzz\r\n`,
      "\u0000\u0001\u0002\r\n\r\n",
    ]) {
      const socket = await open();
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.resume().end(bytes);
      await within("the server to hang up", closed);
    }
  },

  async "a flood of headers"({ open }) {
    const few = await open();
    few.write(`GET /readyz HTTP/1.1\r\nhost: localhost\r\n${"a: b\r\n".repeat(20_000)}\r\n`);
    assert.match(await within("an answer", firstLine(few)), /^HTTP\/1.1 (200|431) /);
    const many = await open();
    const line = firstLine(many);
    many.write(`GET /readyz HTTP/1.1\r\nhost: localhost\r\n${`a: ${"b".repeat(1_000)}\r\n`.repeat(2_000)}\r\n`);
    assert.match(await within("an answer", line), /^HTTP\/1.1 431 /);
  },

  async "bodies that are larger than they look"({ send }) {
    const bomb = gzipSync(Buffer.alloc(50_000_000, " "));
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const answer = await send({ method: "POST", path: MAPS, headers, body: new Uint8Array(bomb) });
    assert.ok([400, 415].includes(answer.status), answer.text);
    const aliases = "abcdefghij".replace(/./g, (name, at: number) =>
      at === 0 ? "a: &a [x]\n" : `${name}: &${name} [${`*${String.fromCharCode(96 + at)},`.repeat(9)}]\n`,
    );
    const yaml = { "content-type": "application/yaml" };
    const laughs = await send({
      method: "POST",
      path: MAPS,
      headers: yaml,
      body: new Uint8Array(Buffer.from(aliases)),
    });
    assert.equal(laughs.status, 400, laughs.text);
  },

  async "headers and bodies that never end"({ open, send }) {
    const sockets = await Promise.all(Array.from({ length: 200 }, open));
    for (const [index, socket] of sockets.entries()) {
      socket.write(
        index % 2 === 0 ? "GET /api HTTP/1.1\r\nhost: lo" : `${CREATE}content-length: 1000\r\n\r\n{"metadata":`,
      );
    }
    await sleep(500);
    for (const socket of sockets) socket.write("x");
    const { status } = await send({ method: "GET", path: MAPS, headers: {} });
    assert.equal(status, 200, "those who wait for more hold up nobody");
  },

  async "clients that leave in the middle of a body"({ open, send }) {
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const socket = await open();
        socket.write(`${CREATE}content-length: 1000\r\n\r\n{"metadata":{"name":"half-${index}"}`);
        await sleep(20);
        socket.destroy();
      }),
    );
    const { text } = await send({ method: "GET", path: MAPS, headers: {} });
    assert.doesNotMatch(text, /half-/, "half a body is no object");
  },

  async "many requests in one go"({ open }) {
    const socket = await open();
    const count = 100;
    const text = collect(socket, (sofar) => sofar.split("HTTP/1.1 ").length > count);
    const body = (index: number): string => JSON.stringify({ metadata: { name: `piped-${index}` } });
    const requests = Array.from(
      { length: count },
      (_, index) => `${CREATE}content-length: ${body(index).length}\r\n\r\n${body(index)}`,
    );
    socket.write(requests.join(""));
    const answered = (await within("all answers", text)).matchAll(/"name":"(piped-\d+)"/g);
    const names = [...new Set([...answered].map(([, name]) => name))];
    assert.deepEqual(
      names.slice(0, 99),
      Array.from({ length: 99 }, (_, index) => `piped-${index}`),
      "in their order",
    );
  },

  async "hundreds of watches of one client"({ open, send }, t) {
    const sockets: TLSSocket[] = [];
    for (let batch = 0; batch < 6; batch += 1) sockets.push(...(await Promise.all(Array.from({ length: 50 }, open))));
    const told = sockets.map((socket) => {
      const text = collect(socket, (sofar) => sofar.includes("watched-by-many"));
      socket.write(
        `GET ${MAPS}?watch=1&resourceVersion=0&fieldSelector=metadata.name=watched-by-many HTTP/1.1\r\nhost: localhost\r\n\r\n`,
      );
      return text;
    });
    await sleep(500);
    const body = new Uint8Array(Buffer.from(JSON.stringify({ metadata: { name: "watched-by-many" } })));
    const { status } = await send({
      method: "POST",
      path: MAPS,
      headers: { "content-type": "application/json" },
      body,
    });
    assert.equal(status, 201);
    const start = performance.now();
    await within("each to be told", Promise.all(told));
    t.diagnostic(`told within ${(performance.now() - start).toFixed(0)} ms`);
  },
};

async function firstLine(socket: TLSSocket): Promise<string> {
  return (await collect(socket, (text) => text.includes("\r\n"))).split("\r\n")[0] ?? "";
}

/** Reads until it is enough, or the server hangs up. */
function collect(socket: TLSSocket, isEnough: (text: string) => boolean): Promise<string> {
  let text = "";
  return new Promise((resolve) => {
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (isEnough(text)) resolve(text);
    });
    socket.once("close", () => resolve(text));
  });
}

async function within<T>(what: string, outcome: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const tooLate = sleep(PATIENCE_MS, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
  });
  try {
    return await Promise.race([outcome, tooLate]);
  } finally {
    stop.abort();
    tooLate.catch(() => {});
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!holds()) {
    assert.ok(performance.now() < deadline, what);
    await sleep(50);
  }
}
