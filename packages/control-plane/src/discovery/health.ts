/** `/healthz`, `/livez` and `/readyz`: all checks, told one by one with `?verbose`, or each under a path of its own. */
import type { Server } from "../server.ts";
import { unknownPath } from "./discovery-request.ts";

type Check = { name: string; isFine: () => boolean };

const PATH = /^\/(healthz|livez|readyz)(?:\/(.+))?$/;

/** `undefined`: not a path of these. A check there is not is not found. */
export function serveHealth(server: Server, url: URL): Response | undefined {
  const [, endpoint, only] = PATH.exec(url.pathname.replace(/\/+$/, "")) ?? [];
  if (endpoint === undefined) return undefined;
  const checks = checksOf(server, endpoint).filter(({ name }) => only === undefined || name === only);
  if (checks.length === 0) return unknownPath();
  const excluded = new Set(url.searchParams.getAll("exclude"));
  const outcomes = checks.map(({ name, isFine }) => ({ name, isExcluded: excluded.delete(name), isFine: isFine() }));
  const isFine = outcomes.every((outcome) => outcome.isFine || outcome.isExcluded);
  if (isFine && (only !== undefined || !url.searchParams.has("verbose"))) return plain("ok", 200);
  const lines = outcomes.map((outcome) => {
    if (outcome.isExcluded) return `[+]${outcome.name} excluded: ok`;
    return outcome.isFine ? `[+]${outcome.name} ok` : `[-]${outcome.name} failed: reason withheld`;
  });
  const unmatched = [...excluded].map((name) => JSON.stringify(name)).join(", ");
  const warning = unmatched === "" ? [] : [`warn: some health checks cannot be excluded: no matches for ${unmatched}`];
  return plain(
    [...lines, ...warning, `${endpoint} check ${isFine ? "passed" : "failed"}`, ""].join("\n"),
    isFine ? 200 : 500,
  );
}

/** The database stands where the API server has etcd, and is checked under that name. */
function checksOf({ storage, closing }: Server, endpoint: string): Check[] {
  const database: Check = { name: "etcd", isFine: () => storage.isUsable() };
  const checks: Check[] = [{ name: "ping", isFine: () => true }, { name: "log", isFine: () => true }, database];
  if (endpoint !== "readyz") return checks;
  return [...checks, { ...database, name: "etcd-readiness" }, { name: "shutdown", isFine: () => !closing.aborted }];
}

function plain(text: string, status: number): Response {
  return new Response(text, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-cache, private",
      "x-content-type-options": "nosniff",
    },
  });
}
