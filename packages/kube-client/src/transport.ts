/** One request to the API server: the URL is complete, names of headers are in lower case. */
export type ApiRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
};

/** A `Response`, or as much of one as is looked at: a whole one costs more than most answers take to read. */
export type ApiResponse = Pick<Response, "ok" | "status" | "body" | "text" | "json"> & {
  readonly headers: Pick<Headers, "get">;
};

/**
 * Carries one request to the API server and back, with credentials. It rejects only if there was no HTTP answer, or with a
 * KubeError of its own.
 */
export type Transport = (request: ApiRequest) => Promise<ApiResponse>;

/** To an API server in this process. */
export const inProcess =
  (handle: (request: Request) => Promise<Response>): Transport =>
  ({ url, body, ...init }) =>
    handle(new Request(url, { ...init, ...(body !== undefined && { body }) }));

export const withBearerToken =
  (transport: Transport, token: string): Transport =>
  (request) =>
    transport({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } });
