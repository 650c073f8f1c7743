/**
 * Carries one request to the API server and back. It adds credentials; the URL is already complete.
 * An embedded API server is `(request) => controlPlane.handle(request)`.
 * It rejects only if there was no HTTP answer, or with a KubeError of its own.
 */
export type Transport = (request: Request) => Promise<Response>;

export function withBearerToken(transport: Transport, token: string): Transport {
  return (request) => {
    request.headers.set("authorization", `Bearer ${token}`);
    return transport(request);
  };
}
