/** Holds traffic against the vendor's document: whatever is not documented is a problem of the side that sent it. */
import { readFileSync } from "node:fs";
import { checkSchema } from "./check-schema.ts";
import type { ApiFacts, RouteFacts, SchemaFacts } from "./facts.ts";

export type TrafficProblem = {
  side: "request" | "response";
  /** E.g. `POST /servers`. */
  route: string;
  problem: string;
};

/** Reads clones, so both may be read by others: call it before their bodies are used. */
export type TrafficCheck = (request: Request, response: Response) => Promise<TrafficProblem[]>;

export function createTrafficCheck(): TrafficCheck {
  const facts = JSON.parse(readFileSync(new URL("hetzner-cloud.facts.json", import.meta.url), "utf8")) as ApiFacts;
  const routes = Object.entries(facts.routes).map(([name, route]) => ({ name, route, pattern: toPattern(name) }));

  return async (request, response) => {
    const url = new URL(request.url);
    const path = url.pathname.startsWith(facts.basePath) ? url.pathname.slice(facts.basePath.length) : url.pathname;
    const asked = `${request.method} ${path}`;
    const found = routes.find(({ pattern }) => pattern.test(asked));
    if (found === undefined) return [{ side: "request", route: asked, problem: "no such route is documented" }];
    const { name, route } = found;
    const told = (side: TrafficProblem["side"], problems: string[]): TrafficProblem[] =>
      problems.map((problem) => ({ side, route: name, problem }));
    return [
      ...told("request", [
        ...checkQuery(facts, route, url.searchParams),
        ...(await checkBody(facts, route, request.clone())),
      ]),
      ...told("response", await checkResponse(facts, route, response.clone())),
    ];
  };
}

/** The handler, with every exchange checked. */
export function checkTraffic(
  handler: (request: Request) => Promise<Response>,
  onProblem: (problem: TrafficProblem) => void,
): (request: Request) => Promise<Response> {
  const check = createTrafficCheck();
  return async (request) => {
    const seen = request.clone();
    const response = await handler(request);
    for (const problem of await check(seen, response)) onProblem(problem);
    return response;
  };
}

/** Every path parameter of the resources used here is an ID. */
function toPattern(route: string): RegExp {
  return new RegExp(`^${route.replaceAll(/\{\w+\}/g, "\\d+")}$`);
}

function checkQuery(facts: ApiFacts, route: RouteFacts, query: URLSearchParams): string[] {
  const missing = (route.requiredQuery ?? [])
    .filter((name) => !query.has(name))
    .map((name) => `query ${name}: is missing`);
  const names = [...new Set(query.keys())];
  return [
    ...missing,
    ...names.flatMap((name) => {
      const schema = route.query?.[name];
      if (schema === undefined) return [`query ${name}: is not documented`];
      const values = query.getAll(name);
      const isMany = schema.type === "array";
      if (!isMany && values.length > 1) return [`query ${name}: is given ${values.length} times`];
      const single = (isMany ? schema.items : schema) ?? {};
      return values.flatMap((text) =>
        checkSchema(facts, single, { value: fromText(single, text), path: `query ${name}` }),
      );
    }),
  ];
}

function fromText({ type }: SchemaFacts, text: string): unknown {
  if (type === "integer" && /^-?\d+$/.test(text)) return Number(text);
  if (type === "boolean" && /^(true|false)$/.test(text)) return text === "true";
  return text;
}

async function checkBody(facts: ApiFacts, route: RouteFacts, request: Request): Promise<string[]> {
  const text = await request.text();
  if (text === "") return route.isBodyRequired === true ? ["body: is missing"] : [];
  if (route.body === undefined) return ["body: none is documented"];
  return checkJson(facts, route.body, { text, path: "body" });
}

async function checkResponse(facts: ApiFacts, route: RouteFacts, response: Response): Promise<string[]> {
  const { status } = response;
  const schema = route.responses[String(status)] ?? route.responses[`${String(status)[0]}xx`];
  if (schema === undefined) {
    if (String(status) in route.responses) return [];
    return [`status ${status}: is not documented`];
  }
  const text = await response.text();
  if (schema === null) return text === "" ? [] : [`status ${status}: has a body`];
  if (!response.headers.get("content-type")?.startsWith("application/json")) return [`status ${status}: is not JSON`];
  return checkJson(facts, schema, { text, path: `status ${status}` });
}

function checkJson(facts: ApiFacts, schema: SchemaFacts, { text, path }: { text: string; path: string }): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [`${path}: is not JSON`];
  }
  return checkSchema(facts, schema, { value, path });
}
