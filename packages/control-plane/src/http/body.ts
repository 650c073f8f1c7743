/** Request bodies, held to the size the API server takes. */
import { badRequest, StatusError } from "../status-error.ts";
import type { ServedRequest } from "./served-request.ts";

const MAX_BYTES = 3 * 1024 * 1024;

/** Throws RequestEntityTooLarge without reading further than the limit, BadRequest where the body breaks off. */
export async function readBody(request: ServedRequest): Promise<Uint8Array> {
  if (request.content !== undefined) return checked(Buffer.from(request.content));
  const { headers, body } = request;
  if (body === null) return new Uint8Array();
  if (Number(headers.get("content-length") ?? 0) > MAX_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > MAX_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    // A client that leaves is no failure of the server's.
    throw error instanceof StatusError ? error : badRequest("the body of the request broke off", error);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength > MAX_BYTES) throw tooLarge();
  return bytes;
}

function tooLarge(): StatusError {
  return new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${MAX_BYTES}`);
}
