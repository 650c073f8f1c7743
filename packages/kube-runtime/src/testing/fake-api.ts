// As much of an API server as the tests of this package need: one log of events, from which lists and watches are served.
import {
  type Clock,
  createKubeClient,
  inProcess,
  type KubeClient,
  type KubeObject,
} from "@machine-controller/kube-client";

type Logged = { type: "ADDED" | "MODIFIED" | "DELETED"; object: KubeObject; version: number };

/** Undefined: go on. A Response is the answer, an error breaks the connection. `proceed` lets the server do its part. */
export type Intercept = (
  request: string,
  proceed: () => Promise<Response>,
) => Promise<Response | Error> | Response | Error | undefined;

export type FakeApi = {
  readonly client: KubeClient;
  /** `METHOD path` of every request that arrived, lists and watches as LIST and WATCH. */
  readonly requests: string[];
  /** Asked on each request of `client`. */
  intercept: Intercept;
  /** A client whose requests pass through an intercept of its own. */
  connect(intercept: Intercept): KubeClient;
  /** Creates or replaces behind the back of the code under test. */
  put(path: string, object: object): KubeObject;
  remove(path: string): void;
  get(path: string): KubeObject | undefined;
  /** Ends all watches; `compact` also forgets the log, so that positions before now are Expired. */
  endWatches(options?: { compact?: boolean }): void;
};

export function createFakeApi(clock: Clock): FakeApi {
  const objects = new Map<string, KubeObject>();
  const log: Logged[] = [];
  const watchers = new Set<{ send: (line: unknown) => void; end: () => void; prefix: string }>();
  const requests: string[] = [];
  let version = 100;
  let uids = 0;
  let oldest = 0;

  function record(type: Logged["type"], path: string, object: KubeObject): void {
    log.push({ type, object, version });
    for (const watcher of watchers) if (path.startsWith(watcher.prefix)) watcher.send({ type, object });
  }

  const api: FakeApi = {
    requests,
    intercept: () => undefined,
    get: (path) => objects.get(path),
    put(path, object) {
      const before = objects.get(path);
      version += 1;
      const given = object as KubeObject;
      const metadata = {
        name: path.slice(path.lastIndexOf("/") + 1),
        ...namespaceOf(path),
        uid: before?.metadata.uid ?? `uid-${(uids += 1)}`,
        ...given.metadata,
        resourceVersion: String(version),
      };
      const stored = { ...given, metadata };
      objects.set(path, stored);
      record(before ? "MODIFIED" : "ADDED", path, stored);
      return stored;
    },
    remove(path) {
      const before = objects.get(path);
      if (before === undefined) return;
      objects.delete(path);
      version += 1;
      const metadata = { ...before.metadata, resourceVersion: String(version) };
      record("DELETED", path, { ...before, metadata });
    },
    endWatches({ compact = false } = {}) {
      if (compact) oldest = version += 1;
      for (const watcher of watchers) watcher.end();
      watchers.clear();
    },
    connect: (intercept) => {
      const transport = inProcess((request) => handle(request, intercept));
      return createKubeClient({ baseUrl: "http://api.test", transport, clock });
    },
    get client() {
      return client;
    },
  };
  const client = api.connect((request, proceed) => api.intercept(request, proceed));

  function watch(prefix: string, from: number): Response {
    if (from < oldest) {
      return new Response(`${JSON.stringify({ type: "ERROR", object: statusOf(410, "Expired") })}\n`);
    }
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        const send = (event: unknown): void => stream.enqueue(Buffer.from(`${JSON.stringify(event)}\n`));
        const watcher = { send, end: () => stream.close(), prefix };
        for (const { type, object, version } of log) {
          if (version > from && pathOf(prefix, object).startsWith(prefix)) send({ type, object });
        }
        watchers.add(watcher);
      },
    });
    return new Response(body);
  }

  function list(prefix: string, query: URLSearchParams): Response {
    const all = [...objects].filter(([path]) => path.startsWith(prefix)).map(([, object]) => object);
    const start = Number(query.get("continue") ?? 0);
    const end = start + Number(query.get("limit") ?? Infinity);
    const more = end < all.length ? { continue: String(end) } : {};
    return Response.json({ items: all.slice(start, end), metadata: { resourceVersion: String(version), ...more } });
  }

  async function handle(request: Request, intercept: Intercept): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const isCollection = request.method === "GET" && !objects.has(pathname) && /\/[a-z]+s$/.test(pathname);
    const verb = isCollection ? (searchParams.has("watch") ? "WATCH" : "LIST") : request.method;
    const line = `${verb} ${pathname}`;
    requests.push(line);
    const text = await request.text();
    const body = (text === "" ? {} : JSON.parse(text)) as KubeObject;
    const proceed = async (): Promise<Response> => answer({ verb, pathname, searchParams, body });
    const answered = (await intercept(line, proceed)) ?? (await proceed());
    if (answered instanceof Error) throw answered;
    return answered;
  }

  function answer(asked: {
    verb: string;
    pathname: string;
    searchParams: URLSearchParams;
    body: KubeObject;
  }): Response {
    const { verb, pathname, searchParams, body } = asked;
    const stored = objects.get(pathname);
    switch (verb) {
      case "WATCH":
        return watch(pathname, Number(searchParams.get("resourceVersion")));
      case "LIST":
        return list(pathname, searchParams);
      case "POST": {
        const path = `${pathname}/${body.metadata.name}`;
        return objects.has(path) ? refuse(409, "AlreadyExists") : Response.json(api.put(path, body));
      }
      default:
    }
    if (stored === undefined) return refuse(404, "NotFound");
    if (verb === "PUT") {
      const expected = body.metadata.resourceVersion ?? stored.metadata.resourceVersion;
      if (expected !== stored.metadata.resourceVersion) return refuse(409, "Conflict");
      return Response.json(api.put(pathname, body));
    }
    if (verb === "PATCH") return Response.json(api.put(pathname, { ...stored, ...body }));
    if (verb === "DELETE") api.remove(pathname);
    return Response.json(stored);
  }

  return api;
}

export function refuse(code: number, reason: string): Response {
  return Response.json(statusOf(code, reason), { status: code });
}

function statusOf(code: number, reason: string): object {
  return { kind: "Status", code, reason, message: reason };
}

function namespaceOf(path: string): { namespace?: string } {
  const [, namespace] = /\/namespaces\/([^/]+)\/[^/]+\/[^/]+$/.exec(path) ?? [];
  return namespace === undefined ? {} : { namespace };
}

/** The path an object of the collection `prefix` has; objects of other kinds do not share its last part. */
function pathOf(prefix: string, object: KubeObject): string {
  return object.kind === "Node" ? `/api/v1/nodes/${object.metadata.name}` : `${prefix}/${object.metadata.name}`;
}
