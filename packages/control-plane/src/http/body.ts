/** Request bodies, held to the size the API server takes. */
import { StatusError } from "../status-error.ts";
import type { ServedRequest } from "./served-request.ts";

const MAX_BYTES = 3 * 1024 * 1024;

/** Throws RequestEntityTooLarge without reading further than the limit. */
export async function readBody({ headers, body }: ServedRequest): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  if (Number(headers.get("content-length") ?? 0) > MAX_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function tooLarge(): StatusError {
  return new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${MAX_BYTES}`);
}
