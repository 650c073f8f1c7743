/** Request bodies, held to the size the API server takes. */
import { StatusError } from "../status-error.ts";

const MAX_BYTES = 3 * 1024 * 1024;

/** Throws RequestEntityTooLarge without reading further than the limit. */
export async function readBody(request: Request): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) {
      throw new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${MAX_BYTES}`);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}
