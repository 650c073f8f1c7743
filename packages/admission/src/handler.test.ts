import assert from "node:assert/strict";
import { test } from "node:test";
import type { Raw } from "./admission.ts";
import { context, machine, machineSpec } from "./example.fixture.ts";
import { createAdmissionHandler } from "./handler.ts";

const handle = createAdmissionHandler(context);
const post = (path: string, body: string, type = "application/json") =>
  handle(new Request(`https://webhook${path}`, { method: "POST", body, headers: { "content-type": type } }));
const review = (request: Raw, version = "v1") =>
  JSON.stringify({
    apiVersion: `admission.k8s.io/${version}`,
    kind: "AdmissionReview",
    request: { uid: "u-1", operation: "CREATE", kind: { kind: "Machine" }, userInfo: { username: "me" }, ...request },
  });
const answer = async (response: Response) => (await response.json()) as { apiVersion: string; response: Raw };

for (const version of ["v1", "v1beta1"]) {
  test(`answers in ${version} when asked in it`, async () => {
    const response = await post("/machines", review({ object: machine() }, version), "application/json; charset=utf-8");
    const { apiVersion, response: admission } = await answer(response);
    assert.equal(apiVersion, `admission.k8s.io/${version}`);
    assert.deepEqual([admission["uid"], admission["allowed"], admission["patchType"]], ["u-1", true, "JSONPatch"]);
    assert.ok(Array.isArray(JSON.parse(Buffer.from(String(admission["patch"]), "base64").toString())));
  });
}

test("a refusal is an Invalid status with the reasons", async () => {
  const response = await post("/machines", review({ object: machine(machineSpec({ operatingSystem: "beos" })) }));
  const { response: admission } = await answer(response);
  const status = admission["status"] as Raw;
  assert.deepEqual(
    [response.status, admission["allowed"], status["code"], status["reason"]],
    [200, false, 422, "Invalid"],
  );
  assert.match(String(status["message"]), /"beos" is not supported/);
  assert.equal(admission["patch"], undefined);
});

test("subresources and other operations are let through untouched", async () => {
  for (const request of [
    { subResource: "status", operation: "UPDATE" },
    { operation: "DELETE" },
    { operation: "UPDATE" },
  ]) {
    const { response } = await answer(await post("/machines", review({ object: { spec: 1 }, ...request })));
    assert.deepEqual(response, { uid: "u-1", allowed: true });
  }
});

test("what is no review is a bad request, and is not repeated", async () => {
  const cases: [path: string, body: string, status: number, text: RegExp, type?: string][] = [
    ["/machines", "s3cr3t{", 400, /^invalid request: the body is not JSON$/],
    ["/machines", "[]", 400, /^invalid request: the body must be an AdmissionReview of/],
    ["/machines", review({ uid: 4 }), 400, /^invalid request: request with a uid must be set$/],
    ["/machines", review({}), 400, /Content-Type must be application\/json/, "text/plain"],
    ["/machinesets", review({ object: machine() }), 400, /takes a MachineSet, not a Machine$/],
    ["/machines", " ".repeat(3 * 1024 * 1024 + 1), 413, /more than 3145728 bytes/],
    ["/elsewhere", "{}", 404, /not found/],
    ["/constructor", "{}", 404, /not found/],
  ];
  for (const [path, body, status, text, type] of cases) {
    const response = await post(path, body, type);
    assert.equal(response.status, status, path);
    assert.match(await response.text(), text);
  }
});

test("is healthy at both paths, and takes reviews by POST only", async () => {
  for (const path of ["/healthz", "/healthz/ping"]) {
    assert.equal((await handle(new Request(`https://webhook${path}`))).status, 200);
  }
  assert.equal((await handle(new Request("https://webhook/machines"))).status, 405);
});

test("tells of every verdict, without the objects", async () => {
  const seen: unknown[] = [];
  const telling = createAdmissionHandler({
    ...context,
    onVerdict: (about, { allowed }) => seen.push({ ...about, allowed }),
  });
  const body = review({ object: machine(), namespace: "n", name: "worker-1" });
  await telling(
    new Request("https://w/machines", { method: "POST", body, headers: { "content-type": "application/json" } }),
  );
  const about = {
    uid: "u-1",
    kind: "Machine",
    operation: "CREATE",
    subResource: "",
    namespace: "n",
    name: "worker-1",
    user: "me",
  };
  assert.deepEqual(seen, [{ ...about, allowed: true }]);
});
