import assert from "node:assert/strict";
import { test } from "node:test";
import { createCloud } from "./cloud.ts";

const call = { signal: new AbortController().signal };

/** The API as a script: an answer for each `METHOD /path?query`; what is not in it is not found. */
function world(script: Record<string, unknown>) {
  const asked: string[] = [];
  const requests: Request[] = [];
  const fetch = async (request: Request) => {
    const line = `${request.method} ${request.url.replace("https://cloud.test/v1", "")}`;
    asked.push(line);
    requests.push(request);
    const missing = { error: { code: "not_found", message: "not found", details: null } };
    return line in script ? Response.json(script[line]) : Response.json(missing, { status: 404 });
  };
  const cloud = createCloud({
    credential: { token: "s3cret" },
    endpoint: "https://cloud.test/v1",
    fetch,
    clock: { now: () => 0, sleep: (_, { signal }) => new Promise((_, end) => signal.addEventListener("abort", end)) },
    random: { bytes: () => assert.fail("nothing random") },
  });
  return { cloud, asked, requests };
}
const page = (names: string[], page = 1, next_page: number | null = null) => ({
  networks: names.map((name, id) => ({ id, name })),
  meta: { pagination: { page, next_page } },
});

test("a list asks for the largest pages until there is no next one", async () => {
  const { cloud, asked, requests } = world({
    "GET /networks?name=x&page=1&per_page=50": page(["a", "b"], 1, 2),
    "GET /networks?name=x&page=2&per_page=50": page(["c"], 2),
  });
  assert.deepEqual(
    (await cloud.list("networks", { name: "x" }, call)).map(({ name }) => name),
    ["a", "b", "c"],
  );
  assert.equal(asked.length, 2);
  assert.equal(requests[0]?.headers.get("authorization"), "Bearer s3cret");
  assert.match(requests[0]?.headers.get("user-agent") ?? "", /^machine-controller\/\d/);
});

test("what is not a page is no information, and pages do not go in circles", async () => {
  for (const answer of [{}, [], "ok", null, { networks: [] }, { networks: {}, meta: page([]).meta }, page([], 1, 1)]) {
    const { cloud } = world({ "GET /networks?page=1&per_page=50": answer });
    await assert.rejects(cloud.list("networks", {}, call), { code: "Unavailable" }, JSON.stringify(answer));
  }
});

test("what is not a resource: a read is no information, a change has an unknown outcome", async () => {
  const { cloud } = world({ "GET /servers/1": { servers: [] }, "POST /placement_groups": {} });
  await assert.rejects(cloud.get("servers", "1", call), { code: "Unavailable" });
  const body = { name: "a", type: "spread", labels: {} } as const;
  await assert.rejects(cloud.create("placement_groups", body, call), { code: "UnknownOutcome" });
});

test("a text of digits is an ID first, then a name; other texts are names only; none is nothing", async () => {
  const { cloud, asked } = world({
    "GET /networks/7": { network: { id: 7, name: "seven" } },
    "GET /networks?name=8&page=1&per_page=50": page(["8"]),
    "GET /networks?name=net&page=1&per_page=50": page([]),
  });
  assert.equal((await cloud.find("networks", "7", call))?.name, "seven");
  assert.equal((await cloud.find("networks", "8", call))?.name, "8");
  assert.equal(await cloud.find("networks", "net", call), undefined);
  assert.equal(await cloud.find("networks", "", call), undefined);
  assert.deepEqual(asked.slice(0, 2), ["GET /networks/7", "GET /networks/8"]);
  assert.equal(asked.length, 4);
});
