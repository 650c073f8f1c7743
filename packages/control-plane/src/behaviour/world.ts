/** What a case of the behaviour suite sees of a control plane, whichever body that has. */
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject, KubeObject } from "../object.ts";

/** One body of a control plane: the embedded server in process or on a port, or a real one. */
export type Body = {
  /** Bearer token of a member of system:masters. */
  adminToken: string;
  send(request: Sent): Promise<Reply>;
};

export type Sent = {
  method: string;
  /** Path and query. */
  path: string;
  headers: Headers;
  body?: string | Uint8Array<ArrayBuffer>;
  client?: ClientCertificate;
  signal: AbortSignal;
};

export type ClientCertificate = { certificatePem: string; privateKeyPem: string };

export type Reply = { status: number; headers: Headers; text: AsyncIterable<string> };

/** A JSON answer as it is; any other has its text as `content`. */
export type Answer = { status: number; body: KubeObject & JsonObject; headers: Headers };

export type CallOptions = {
  /** Text and bytes are sent as they are, anything else as JSON. */
  body?: unknown;
  /** Content type; a JSON one fits the method if there is none. */
  type?: string;
  accept?: string;
  /** Whom to impersonate. */
  as?: { user: string; groups?: readonly string[] };
  /** In place of the administrator's; null: none at all. */
  token?: string | null;
  client?: ClientCertificate;
  userAgent?: string;
};

export type WatchEvent = { type: string; object: KubeObject };

export type Watch = {
  /** `undefined`: the watch has ended. */
  next(): Promise<WatchEvent | undefined>;
  close(): void;
};

export type World = {
  /** A namespace of this case's own; it exists. */
  namespace: string;
  /** An API group of this topic's own, for CustomResourceDefinitions. */
  group: string;
  /** A name that no other case has, for what is in no namespace. */
  unique(prefix: string): string;
  /** The path of a collection in the case's namespace: `configmaps` or `apps/v1/deployments`. */
  path(collection: string): string;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Throws unless the answer is 200. */
  watch(path: string, options?: CallOptions): Promise<Watch>;
  /** Waits until a GET of `path` satisfies `accepts`; the object is undefined where there is none. */
  until(path: string, accepts: (object: KubeObject | undefined) => boolean): Promise<void>;
  /** Runs `make` once for all cases of the topic. */
  once<T>(key: string, make: () => Promise<T>): Promise<T>;
};

/** Controllers of a busy cluster come back to what they wait for after some 10 s. */
const PATIENCE_MS = 60_000;

export type WorldOptions = {
  /** Lower-case letters and digits; two runs on one body differ in it. */
  run: string;
  topic: string;
  index: number;
  /** What `once` has made, shared by the cases of one topic. */
  made: Map<string, Promise<unknown>>;
};

/** `end` closes what the case left open. */
export async function createWorld(body: Body, options: WorldOptions): Promise<{ world: World; end(): void }> {
  const { run, topic, index, made } = options;
  const leave = new AbortController();
  const send = ([method, path, sent]: Call, signal: AbortSignal): Promise<Reply> => {
    const content = toContent(sent.body);
    return body.send({
      method,
      path,
      headers: toHeaders(method, sent, body.adminToken),
      ...(content === undefined ? {} : { body: content }),
      ...(sent.client === undefined ? {} : { client: sent.client }),
      signal,
    });
  };
  const call = async (method: string, path: string, sent: CallOptions = {}): Promise<Answer> => {
    const reply = await send([method, path, sent], AbortSignal.any([leave.signal, AbortSignal.timeout(PATIENCE_MS)]));
    return toAnswer(reply);
  };
  const namespace = `${topic}-${index}-${run}`;
  const world: World = {
    namespace,
    group: `${topic}.${run}.example.com`,
    unique: (prefix) => `${prefix}-${namespace}`,
    path: (collection) => {
      const parts = collection.split("/");
      const plural = parts.pop() ?? "";
      return `${parts.length === 0 ? "/api/v1" : `/apis/${parts.join("/")}`}/namespaces/${namespace}/${plural}`;
    },
    call,
    async watch(path, sent = {}) {
      const stop = new AbortController();
      const reply = await send(["GET", path, sent], AbortSignal.any([leave.signal, stop.signal]));
      if (reply.status !== 200) throw new Error(`watch answered ${JSON.stringify((await toAnswer(reply)).body)}`);
      return toWatch(reply, stop);
    },
    async until(path, accepts) {
      const deadline = performance.now() + PATIENCE_MS;
      let last: Answer | undefined;
      while (performance.now() < deadline) {
        last = await call("GET", path);
        if (accepts(last.status === 404 ? undefined : last.body)) return;
        await sleep(5);
      }
      throw new Error(`${path} never came to be as expected: ${JSON.stringify(last?.body)}`);
    },
    once<T>(key: string, make: () => Promise<T>): Promise<T> {
      const before = made.get(key);
      if (before !== undefined) return before as Promise<T>;
      const promise = make();
      made.set(key, promise);
      return promise;
    },
  };
  const created = await call("POST", "/api/v1/namespaces", { body: { metadata: { name: namespace } } });
  if (created.status !== 201) throw new Error(JSON.stringify(created.body));
  return { world, end: () => leave.abort() };
}

type Call = [method: string, path: string, sent: CallOptions];

function toContent(body: unknown): string | Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined || typeof body === "string") return body;
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}

function toHeaders(method: string, sent: CallOptions, adminToken: string): Headers {
  const headers = new Headers({
    accept: sent.accept ?? "application/json",
    "user-agent": sent.userAgent ?? "behaviour/1",
  });
  if (sent.body !== undefined) {
    const usual = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    headers.set("content-type", sent.type ?? usual);
  }
  const token = sent.token === undefined && sent.client === undefined ? adminToken : sent.token;
  if (typeof token === "string") headers.set("authorization", `Bearer ${token}`);
  if (sent.as !== undefined) {
    headers.set("impersonate-user", sent.as.user);
    for (const group of sent.as.groups ?? []) headers.append("impersonate-group", group);
  }
  return headers;
}

async function toAnswer({ status, headers, text }: Reply): Promise<Answer> {
  let content = "";
  for await (const chunk of text) content += chunk;
  // OpenAPI's index comes as plain text.
  const isJson = content !== "" && (headers.get("content-type")?.includes("json") === true || content.startsWith('{"'));
  return { status, headers, body: (isJson ? JSON.parse(content) : { content }) as Answer["body"] };
}

function toWatch(reply: Reply, stop: AbortController): Watch {
  const chunks = reply.text[Symbol.asyncIterator]();
  let buffered = "";
  return {
    async next() {
      const patience = AbortSignal.timeout(PATIENCE_MS);
      const giveUp = (): void => stop.abort(new Error("no event came"));
      patience.addEventListener("abort", giveUp);
      try {
        for (;;) {
          const end = buffered.indexOf("\n");
          if (end >= 0) {
            const line = buffered.slice(0, end);
            buffered = buffered.slice(end + 1);
            return JSON.parse(line) as WatchEvent;
          }
          const { value, done } = await chunks.next();
          if (done === true) return undefined;
          buffered += value;
        }
      } finally {
        patience.removeEventListener("abort", giveUp);
      }
    },
    close: () => stop.abort(),
  };
}
