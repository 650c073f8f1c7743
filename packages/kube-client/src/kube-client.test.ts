import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Clock } from "./clock.ts";
import { coreResources } from "./core-resources.ts";
import { createKubeClient } from "./kube-client.ts";
import { type KubeError, isKubeError } from "./kube-error.ts";
import { type ApiRequest, type Transport, withBearerToken } from "./transport.ts";

const { nodes, secrets, leases, pods } = coreResources;
const { signal } = new AbortController();

type Seen = { method: string; url: URL; headers: ApiRequest["headers"]; body: unknown };

/** Answers with the given values in turn: a Response, an error to throw, or a value sent as JSON. */
function scripted(...answers: unknown[]): { transport: Transport; seen: Seen[] } {
  const seen: Seen[] = [];
  return {
    seen,
    async transport(request) {
      const { method, headers, url, body } = request;
      seen.push({ method, url: new URL(url), headers, body: body && JSON.parse(body) });
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer instanceof Response ? answer : Response.json(answer);
    },
  };
}

function clientOf(transport: Transport, clock?: Clock): ReturnType<typeof createKubeClient> {
  return createKubeClient({ baseUrl: "http://api.test/prefix/", transport, ...(clock && { clock }) });
}

function status(code: number, reason: string, more: object = {}): Response {
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message: `${reason}!`, ...more };
  return Response.json(body, { status: code });
}

describe("paths and bodies", () => {
  test("core and grouped, cluster-scoped and namespaced kinds each have their path below the base", async () => {
    const { transport, seen } = scripted({}, {}, {}, {});
    const client = clientOf(transport);
    await client.get(nodes, { name: "n/1" }, { signal });
    await client.get(leases, { namespace: "ns", name: "l" }, { signal });
    await client.update(
      nodes,
      { apiVersion: "v1", kind: "Node", metadata: { name: "n" } },
      { subresource: "status", signal },
    );
    await client.createSubresource(pods, { namespace: "ns", name: "p" }, "eviction", { a: 1 }, { signal });
    assert.deepEqual(
      seen.map(({ method, url }) => `${method} ${url.pathname}`),
      [
        "GET /prefix/api/v1/nodes/n%2F1",
        "GET /prefix/apis/coordination.k8s.io/v1/namespaces/ns/leases/l",
        "PUT /prefix/api/v1/nodes/n/status",
        "POST /prefix/api/v1/namespaces/ns/pods/p/eviction",
      ],
    );
  });

  test("a namespaced object without a namespace never becomes a request for the collection", async () => {
    const { transport, seen } = scripted({});
    const client = clientOf(transport);
    await assert.rejects(async () => await client.delete(secrets, { name: "s" }, { signal }), TypeError);
    await assert.rejects(async () => await client.delete(secrets, { namespace: "n", name: "" }, { signal }), TypeError);
    const object = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } };
    await assert.rejects(async () => await client.create(secrets, object, { signal }), TypeError);
    assert.equal(seen.length, 0);
  });

  test("each patch type has its media type, and apply its manager and force", async () => {
    const { transport, seen } = scripted({}, {}, {}, {});
    const client = clientOf(transport);
    for (const type of ["json", "merge", "strategic"] as const) {
      await client.patch(nodes, { name: "n" }, { type, body: [] }, { signal });
    }
    const apply = { type: "apply", body: {}, fieldManager: "me", force: true } as const;
    await client.patch(nodes, { name: "n" }, apply, { signal });
    assert.deepEqual(
      seen.map(({ headers }) => headers["content-type"]),
      [
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
      ],
    );
    assert.equal(seen[3]?.url.search, "?fieldManager=me&force=true");
  });

  test("delete sends its preconditions in the body", async () => {
    const { transport, seen } = scripted({});
    const preconditions = { uid: "u", resourceVersion: "7" };
    await clientOf(transport).delete(nodes, { name: "n" }, { preconditions, propagationPolicy: "Foreground", signal });
    assert.deepEqual(seen[0]?.body, {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions,
      propagationPolicy: "Foreground",
    });
  });

  test("a bearer token is added on the way", async () => {
    const { transport, seen } = scripted({});
    await clientOf(withBearerToken(transport, "t0ken")).get(nodes, { name: "n" }, { signal });
    assert.equal(seen[0]?.headers["authorization"], "Bearer t0ken");
  });
});

describe("lists", () => {
  const page = (names: string[], metadata: object): unknown => ({
    items: names.map((name) => ({ metadata: { name } })),
    metadata: { resourceVersion: "5", ...metadata },
  });

  test("items get the apiVersion and kind that servers leave out", async () => {
    const { transport } = scripted(page(["a"], {}));
    const { items } = await clientOf(transport).list(leases, { signal });
    assert.deepEqual(items, [{ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "a" } }]);
  });

  test("listAll follows continue tokens and keeps the selectors", async () => {
    const { transport, seen } = scripted(page(["a", "b"], { continue: "c1" }), page(["c"], {}));
    const all = await clientOf(transport).listAll(secrets, { namespace: "n", labelSelector: "x=y", limit: 2, signal });
    assert.deepEqual(
      all.items.map(({ metadata }) => metadata.name),
      ["a", "b", "c"],
    );
    assert.equal(all.resourceVersion, "5");
    assert.deepEqual(
      seen.map(({ url }) => Object.fromEntries(url.searchParams)),
      [
        { labelSelector: "x=y", limit: "2" },
        { labelSelector: "x=y", limit: "2", continue: "c1" },
      ],
    );
  });

  test("a snapshot compacted while paging is listed anew without pages", async () => {
    const { transport, seen } = scripted(page(["old"], { continue: "c1" }), status(410, "Expired"), page(["new"], {}));
    const { items } = await clientOf(transport).listAll(nodes, { signal });
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ["new"],
    );
    assert.equal(seen[2]?.url.search, "");
  });
});

describe("errors", () => {
  const failing = async (answer: unknown): Promise<KubeError> => {
    const { transport } = scripted(answer, answer);
    const client = clientOf(transport);
    const error = await client.get(nodes, { name: "n" }, { signal }).catch((error: unknown) => error);
    assert.ok(isKubeError(error));
    return error;
  };

  test("the reason of a Status decides the code, which decides whether to retry", async () => {
    for (const [http, reason, code, retryable] of [
      [404, "NotFound", "NotFound", false],
      [409, "AlreadyExists", "AlreadyExists", false],
      [409, "Conflict", "Conflict", false],
      [410, "Gone", "Expired", false],
      [405, "MethodNotAllowed", "Unsupported", false],
      [500, "InternalError", "InternalError", true],
      [504, "Timeout", "Timeout", true],
      [418, "Teapot", "BadRequest", false],
      [599, "Novel", "InternalError", true],
    ] as const) {
      const error = await failing(status(http, reason));
      assert.deepEqual([error.code, error.status, error.retryable], [code, http, retryable], reason);
    }
  });

  test("a 404 that is no Kubernetes status does not pass for the absence of an object", async () => {
    assert.equal((await failing(new Response("404 page not found", { status: 404 }))).code, "Unsupported");
    assert.equal((await failing(new Response("<html>", { status: 503 }))).code, "ServiceUnavailable");
  });

  test("the time to wait comes from Retry-After, else from the status", async () => {
    const headers = { "retry-after": "7" };
    assert.equal((await failing(new Response("", { status: 429, headers }))).retryAfterMs, 7000);
    assert.equal(
      (await failing(status(429, "TooManyRequests", { details: { retryAfterSeconds: 2 } }))).retryAfterMs,
      2000,
    );
  });

  test("an answer that is not JSON is Malformed and is not quoted", async () => {
    const error = await failing(new Response('{"data":"s3cret'));
    assert.equal(error.code, "Malformed");
    assert.doesNotMatch(String(error.stack) + JSON.stringify(error), /s3cret/);
  });
});

describe("connections that fail", () => {
  const reset = new Error("ECONNRESET");

  test("a read that broke off is tried once more", async () => {
    const { transport } = scripted(reset, { metadata: { name: "n" } });
    assert.equal((await clientOf(transport).get(nodes, { name: "n" }, { signal })).metadata.name, "n");
  });

  test("a mutation is never sent twice, and its outcome counts as unknown", async () => {
    for (const verb of ["create", "update", "patch", "delete"] as const) {
      const { transport, seen } = scripted(reset, {});
      const client = clientOf(transport);
      const object = { apiVersion: "v1", kind: "Node", metadata: { name: "n" } };
      const sent = {
        create: () => client.create(nodes, object, { signal }),
        update: () => client.update(nodes, object, { signal }),
        patch: () => client.patch(nodes, { name: "n" }, { type: "merge", body: {} }, { signal }),
        delete: () => client.delete(nodes, { name: "n" }, { signal }),
      }[verb]();
      await assert.rejects(
        sent,
        (error) => isKubeError(error, "Unreachable") && error.outcomeUnknown && error.cause === reset,
      );
      assert.equal(seen.length, 1, verb);
    }
  });

  test("silence ends as Unreachable when the request timeout is over, and a late answer is let go", async () => {
    const answer = Promise.withResolvers<Response>();
    const due = Promise.withResolvers<void>();
    const clock: Clock = { now: () => 0, sleep: () => due.promise };
    const got = clientOf(() => answer.promise, clock).get(nodes, { name: "n" }, { signal });
    due.resolve();
    await assert.rejects(got, (error) => isKubeError(error, "Unreachable"));
    const cancelled = Promise.withResolvers<void>();
    answer.resolve(new Response(new ReadableStream({ cancel: () => cancelled.resolve() })));
    await cancelled.promise;
  });

  test("an abort while a refusal is being read is no more than an abort", async () => {
    const controller = new AbortController();
    const reading = Promise.withResolvers<void>();
    const body = new ReadableStream({ pull: () => reading.resolve() }, { highWaterMark: 0 });
    const refused = async () => new Response(body, { status: 500 });
    const got = clientOf(refused).get(nodes, { name: "n" }, { signal: controller.signal });
    await reading.promise;
    controller.abort(new Error("stop"));
    await assert.rejects(got, /stop/);
    // What nobody waits for would end the process here.
    await new Promise((resolve) => setImmediate(resolve));
  });

  test("an abort rejects at once with its own reason, whatever the transport does", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const got = clientOf(() => new Promise(() => {})).get(nodes, { name: "n" }, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(got, reason);
  });
});

describe("watches", () => {
  test("a watch asks for what it was told and yields events until the server closes", async () => {
    const event = { type: "ADDED", object: { metadata: { name: "n", resourceVersion: "6" } } };
    const { transport, seen } = scripted(new Response(`${JSON.stringify(event)}\n`));
    const watch = clientOf(transport).watch(nodes, {
      resourceVersion: "5",
      allowBookmarks: true,
      timeoutSeconds: 300,
      fieldSelector: "metadata.name=n",
      signal,
    });
    assert.deepEqual(await collect(watch), [event]);
    assert.deepEqual(Object.fromEntries(seen[0]?.url.searchParams ?? []), {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: "5",
      timeoutSeconds: "300",
      fieldSelector: "metadata.name=n",
    });
  });

  test("a watch the server forgets to end is taken for dead", async () => {
    const due = Promise.withResolvers<void>();
    const clock: Clock = {
      now: () => 0,
      sleep: (ms, { signal }) =>
        ms > 300_000
          ? due.promise
          : new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error()))),
    };
    const body = new ReadableStream<Uint8Array>({ pull: () => due.resolve() }, { highWaterMark: 0 });
    const watch = clientOf(async () => new Response(body), clock).watch(nodes, { timeoutSeconds: 300, signal });
    await assert.rejects(collect(watch), (error) => isKubeError(error, "Unreachable"));
  });

  test("a watch refused before it begins throws the server's error", async () => {
    const { transport } = scripted(status(403, "Forbidden"));
    const watch = clientOf(transport).watch(nodes, { signal });
    await assert.rejects(collect(watch), (error) => isKubeError(error, "Forbidden"));
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
