/** Health endpoints in the form of Kubernetes' own: named checks, each by itself too, `?verbose` and `?exclude=`. */

/** Says what is wrong by throwing. */
export type HealthCheck = () => void | Promise<void>;

/** By the first part of the path, as in `/healthz`, and by name, as in `/healthz/apiserver-connection`. */
export type HealthEndpoints = Readonly<Record<string, Readonly<Record<string, HealthCheck>>>>;

export type HealthAnswer = { status: number; text: string };

/** @param url path and query of a request. */
export async function answerHealth(endpoints: HealthEndpoints, url: string): Promise<HealthAnswer> {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const [endpoint = "", name = "", ...rest] = pathname.split("/").slice(1);
  const checks = Object.hasOwn(endpoints, endpoint) ? endpoints[endpoint] : undefined;
  if (checks === undefined || rest.length > 0) return { status: 404, text: "not found\n" };
  if (name !== "") {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) return { status: 404, text: `there is no check ${name.slice(0, 80)} in /${endpoint}\n` };
    const problem = await problemOf(check);
    return problem === undefined ? { status: 200, text: "ok" } : { status: 500, text: `${problem}\n` };
  }
  return answerAll(endpoint, checks, searchParams);
}

async function answerAll(
  endpoint: string,
  checks: Readonly<Record<string, HealthCheck>>,
  query: URLSearchParams,
): Promise<HealthAnswer> {
  const excluded = new Set(query.getAll("exclude"));
  let failed = false;
  const lines = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      if (excluded.delete(name)) return `[+]${name} excluded: ok`;
      const problem = await problemOf(check);
      failed ||= problem !== undefined;
      return problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`;
    }),
  );
  const unknown = [...excluded].map((name) => `warn: nothing to exclude is named ${JSON.stringify(name.slice(0, 80))}`);
  if (!failed && !query.has("verbose")) return { status: 200, text: "ok" };
  const text = [...lines, ...unknown, `${endpoint} check ${failed ? "failed" : "passed"}`, ""].join("\n");
  return { status: failed ? 500 : 200, text };
}

async function problemOf(check: HealthCheck): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
