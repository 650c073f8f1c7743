/** The embedded control plane called in process, as a body for the behaviour suite. */
import type { ControlPlane } from "../control-plane.ts";
import type { Body } from "./world.ts";

export function inProcessBody(controlPlane: ControlPlane): Body {
  return {
    adminToken: controlPlane.adminToken,
    async send({ method, path, headers, body, client, signal }) {
      const request = new Request(`http://cluster${path}`, {
        method,
        headers,
        signal,
        ...(body === undefined ? {} : { body }),
      });
      const connection = client === undefined ? {} : { peerCertificatePem: client.certificatePem };
      const response = await controlPlane.handle(request, connection);
      return { status: response.status, headers: response.headers, text: textOf(response) };
    },
  };
}

async function* textOf({ body }: Response): AsyncIterable<string> {
  if (body !== null) yield* body.pipeThrough(new TextDecoderStream());
}
