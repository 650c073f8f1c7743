/**
 * Puts the parts of the web platform that worlds use most in place of Node's, for the whole process; import it first.
 * They do the same for what our code asks of them (`platform.test.ts` holds both to one suite) at a fraction of the cost.
 */
import { WorldAbortController, WorldAbortSignal } from "./abort.ts";
import { WorldHeaders } from "./headers.ts";
import { WorldRequest, WorldResponse } from "./messages.ts";

Object.assign(globalThis, {
  AbortController: WorldAbortController,
  AbortSignal: WorldAbortSignal,
  Headers: WorldHeaders,
  Request: WorldRequest,
  Response: WorldResponse,
});
