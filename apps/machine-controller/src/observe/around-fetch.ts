/** HTTP to one cloud whose every request runs inside something else. */
import type { Fetch } from "@machine-controller/provider";
import type { Around } from "./work.ts";

export const aroundFetch =
  (provider: string, around: Around) =>
  (fetch: Fetch): Fetch =>
  (request) =>
    around({ kind: "cloud-request", provider, method: request.method, host: new URL(request.url).host }, () =>
      fetch(request),
    );
