/** The webhook as a handler of requests: one path for each kind, and two for health. */
import type { AdmissionContext, AdmissionRequest, Verdict } from "./admission.ts";
import { parseReview, reviewAnswer, type ReviewRequest } from "./admission-review.ts";
import { admitMachineDeployment } from "./admit-machine-deployment.ts";
import { admitMachineSet } from "./admit-machine-set.ts";
import { admitMachine } from "./admit-machine.ts";
import { ALLOWED } from "./admission.ts";

export type AdmissionHandlerOptions = AdmissionContext & {
  /** Called with every verdict, for logs and metrics. Objects are not given: they may hold credentials. */
  onVerdict?: (request: Omit<ReviewRequest, "object" | "oldObject">, verdict: Verdict) => void;
};

type Admit = (request: AdmissionRequest, context: AdmissionContext) => Promise<Verdict>;

const KINDS: Readonly<Record<string, { kind: string; admit: Admit }>> = {
  "/machinedeployments": { kind: "MachineDeployment", admit: admitMachineDeployment },
  "/machinesets": { kind: "MachineSet", admit: admitMachineSet },
  "/machines": { kind: "Machine", admit: admitMachine },
};
const HEALTH = ["/healthz", "/healthz/", "/healthz/ping"];

/** As much as the API server itself takes. */
const LARGEST_BODY = 3 * 1024 * 1024;

/** Answers 400 to what is no admission review, 413 to one of more than 3 MiB; every verdict is a 200. */
export function createAdmissionHandler(options: AdmissionHandlerOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (HEALTH.includes(pathname)) return text(200, "ok");
    const route = Object.hasOwn(KINDS, pathname) ? KINDS[pathname] : undefined;
    if (route === undefined) return text(404, "not found");
    if (request.method !== "POST") return text(405, "use POST", { allow: "POST" });
    const [mediaType] = (request.headers.get("content-type") ?? "").split(";");
    if (mediaType?.trim().toLowerCase() !== "application/json") {
      return text(400, "invalid request: Content-Type must be application/json");
    }
    const body = await readBody(request);
    if (body === undefined) return text(413, `invalid request: the body has more than ${LARGEST_BODY} bytes`);

    let review: ReturnType<typeof parseReview>;
    try {
      review = parseReview(body);
    } catch (error) {
      return text(400, `invalid request: ${error instanceof Error ? error.message : String(error)}`);
    }
    const { object, oldObject, ...about } = review.request;
    if (about.kind !== "" && about.kind !== route.kind) {
      return text(400, `invalid request: ${pathname} takes a ${route.kind}, not a ${about.kind}`);
    }
    const { operation, user } = about;
    // Status and scale are not what the rules are about.
    const verdict =
      about.subResource === "" ? await route.admit({ operation, object, oldObject, user }, options) : ALLOWED;
    options.onVerdict?.(about, verdict);
    return Response.json(reviewAnswer(review, verdict));
  };
}

/** undefined where it is too large; the rest is then not read. */
async function readBody(request: Request): Promise<string | undefined> {
  if (Number(request.headers.get("content-length")) > LARGEST_BODY) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > LARGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

const text = (status: number, body: string, headers: Record<string, string> = {}): Response =>
  new Response(body, { status, headers: { "content-type": "text/plain", ...headers } });
