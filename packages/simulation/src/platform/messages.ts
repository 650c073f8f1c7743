/** `Request` and `Response` for worlds: what one party in this process hands to another, without the cost of a real wire. */
import { type Content, WorldBody } from "./body.ts";
import { WorldAbortController, type WorldAbortSignal } from "./abort.ts";
import { type HeadersLike, WorldHeaders } from "./headers.ts";

type RequestOptions = {
  method?: string;
  headers?: HeadersLike;
  body?: Content;
  signal?: WorldAbortSignal | null;
  redirect?: "follow" | "manual" | "error";
};
type ResponseOptions = { status?: number; statusText?: string; headers?: HeadersLike };

export class WorldRequest extends WorldBody {
  readonly url: string;
  readonly method: string;
  readonly headers: WorldHeaders;
  readonly signal: WorldAbortSignal;
  readonly redirect: string;

  constructor(input: string | URL | WorldRequest, options: RequestOptions = {}) {
    const [earlier, url] = input instanceof WorldRequest ? [input, input.url] : [undefined, urlOf(input)];
    const method = options.method === undefined ? (earlier?.method ?? "GET") : normalized(options.method);
    const body = options.body ?? earlier?.copyContent() ?? null;
    if (body !== null && (method === "GET" || method === "HEAD")) throw new TypeError(`${method} has no body`);
    super(body);
    this.url = url;
    this.method = method;
    this.headers = new WorldHeaders(options.headers ?? earlier?.headers);
    this.signal = options.signal ?? earlier?.signal ?? new WorldAbortController().signal;
    this.redirect = options.redirect ?? earlier?.redirect ?? "follow";
    nameType(this.headers, body);
  }

  clone(): WorldRequest {
    return new WorldRequest(this);
  }
}

const EMPTY_STATUSES = [101, 204, 205, 304];

export class WorldResponse extends WorldBody {
  readonly status: number;
  readonly statusText: string;
  readonly headers: WorldHeaders;
  readonly url = "";
  readonly type = "default";
  readonly redirected = false;

  constructor(body?: Content, { status = 200, statusText = "", headers }: ResponseOptions = {}) {
    if (status < 200 || status > 599) throw new RangeError(`${status} is no status of a response`);
    if (body !== undefined && body !== null && EMPTY_STATUSES.includes(status)) {
      throw new TypeError(`a response with status ${status} has no body`);
    }
    super(body);
    this.status = status;
    this.statusText = statusText;
    this.headers = new WorldHeaders(headers);
    nameType(this.headers, body);
  }

  static json(data: unknown, options: ResponseOptions = {}): WorldResponse {
    const headers = new WorldHeaders(options.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new WorldResponse(JSON.stringify(data), { ...options, headers });
  }

  get ok(): boolean {
    return this.status < 300;
  }

  clone(): WorldResponse {
    const { status, statusText, headers } = this;
    return new WorldResponse(this.copyContent(), { status, statusText, headers });
  }
}

const KNOWN_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

/** `patch` stays as it is: the platform knows only these. */
function normalized(method: string): string {
  const upper = method.toUpperCase();
  return KNOWN_METHODS.includes(upper) ? upper : method;
}

/** What the platform's parser leaves as it is; parsing costs more than the rest of a request. */
const PLAIN_URL = /^https:\/\/[a-z][a-z\d.-]*[a-z](?::6443)?(?:\/[\w~-][\w.~-]*)+(?:\?[\w.~=&%,:+-]+)?$/;

function urlOf(input: string | URL): string {
  if (typeof input === "string" && PLAIN_URL.test(input)) return input;
  const url = new URL(input);
  if (url.username !== "" || url.password !== "") throw new TypeError("a request's URL has no credentials");
  return url.href;
}

function nameType(headers: WorldHeaders, body: Content | undefined): void {
  if (headers.has("content-type")) return;
  if (typeof body === "string") headers.set("content-type", "text/plain;charset=UTF-8");
  if (body instanceof URLSearchParams) headers.set("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
}
