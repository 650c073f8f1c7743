/** One call of one webhook: where it is, how long it may take, and what its failure means. */
import type { Clock } from "../clock.ts";
import { isJsonObject, objectAt, stringAt } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { forbidden, StatusError } from "../status-error.ts";
import { readVerdict } from "./review.ts";
import type { Verdict, Write } from "./review.ts";
import type { Webhook } from "./webhook.ts";

export type WebhookCall = {
  /** As the configuration names it, or `https://name.namespace.svc:port/path`. */
  url: string;
  /** Where the connection goes, when that is not what `url` says. */
  address?: { host: string; port: number };
  /** PEM; absent: the authorities the machine trusts. */
  caBundle?: string;
  body: string;
  /** Aborts when the webhook's time is over or the client has gone. */
  signal: AbortSignal;
};

/** How webhooks are reached. Rejects with an Error that says why there is no answer. */
export type CallWebhook = (call: WebhookCall) => Promise<{ status: number; text: string }>;

/** Finds a Service's address; throws an Error that says why there is none. */
export type ResolveService = (service: {
  namespace: string;
  name: string;
  port: number;
}) => NonNullable<WebhookCall["address"]>;

export type Caller = { call: CallWebhook; resolve: ResolveService; clock: Clock };

/** Rejects with an Error worded as the API server words it. */
export async function callWebhook(
  caller: Caller,
  options: { webhook: Webhook; review: JsonObject; signal: AbortSignal },
): Promise<Verdict> {
  const { webhook, review } = options;
  const uid = stringAt(review["request"], "uid");
  const answer = await within(caller, options).catch((error: unknown) => {
    throw new Error(`failed calling webhook "${webhook.name}": failed to call webhook: ${reasonOf(error)}`, {
      cause: error,
    });
  });
  try {
    return readVerdict(answer, uid);
  } catch (error) {
    const why = reasonOf(error);
    throw new Error(`failed calling webhook "${webhook.name}": received invalid webhook response: ${why}`, {
      cause: error,
    });
  }
}

async function within(
  caller: Caller,
  { webhook, review, signal }: { webhook: Webhook; review: JsonObject; signal: AbortSignal },
): Promise<unknown> {
  const { clientConfig, timeoutSeconds } = webhook;
  const isOver = new AbortController();
  const done = new AbortController();
  const target = targetOf(clientConfig, timeoutSeconds);
  const posting = (why: string, cause?: unknown): Error => new Error(`Post "${target.url}": ${why}`, { cause });
  const timeout = caller.clock
    .sleep(timeoutSeconds * 1000, { signal: AbortSignal.any([signal, done.signal]) })
    .then(() => {
      isOver.abort();
      throw posting("context deadline exceeded");
    });
  const call = async (): Promise<{ status: number; text: string }> => {
    try {
      return await caller.call({
        url: target.url,
        ...(target.service === undefined ? {} : { address: caller.resolve(target.service) }),
        ...caBundleOf(clientConfig),
        body: JSON.stringify(review),
        signal: AbortSignal.any([signal, isOver.signal]),
      });
    } catch (error) {
      throw posting(reasonOf(error), error);
    }
  };
  try {
    return parseAnswer(await Promise.race([call(), timeout]));
  } finally {
    done.abort();
    timeout.catch(() => {});
  }
}

function parseAnswer({ status, text }: { status: number; text: string }): unknown {
  if (status === 404) throw new Error("the server could not find the requested resource");
  if (status >= 400 && status < 500) throw new Error("the server rejected our request for an unknown reason");
  if (status !== 200) {
    throw new Error(
      `an error on the server (${JSON.stringify(text || "unknown")}) has prevented the request from succeeding`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`couldn't get version/kind; json parse error: ${reasonOf(error)}`, { cause: error });
  }
}

type Target = { url: string; service?: Parameters<ResolveService>[0] };

function targetOf(clientConfig: JsonObject, timeoutSeconds: number): Target {
  const { service } = clientConfig;
  const timeout = `timeout=${timeoutSeconds}s`;
  if (!isJsonObject(service)) return { url: `${stringAt(clientConfig, "url")}?${timeout}` };
  const namespace = stringAt(service, "namespace");
  const name = stringAt(service, "name");
  const port = typeof service["port"] === "number" ? service["port"] : 443;
  const path = stringAt(service, "path").replace(/^(?!\/|$)/, "/");
  return { url: `https://${name}.${namespace}.svc:${port}${path}?${timeout}`, service: { namespace, name, port } };
}

function caBundleOf(clientConfig: JsonObject): { caBundle?: string } {
  const encoded = stringAt(clientConfig, "caBundle");
  return encoded === "" ? {} : { caBundle: Buffer.from(encoded, "base64").toString("utf8") };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function internalError(error: unknown): StatusError {
  const message = reasonOf(error);
  return new StatusError("InternalError", `Internal error occurred: ${message}`, {
    details: { causes: [{ message }] },
    cause: error,
  });
}

/** The webhook's own Status, with at least the code of a refusal. */
export function denial(webhook: Webhook, verdict: Verdict): StatusError {
  const { status } = verdict;
  const prefix = `admission webhook "${webhook.name}" denied the request`;
  const why = stringAt(status, "message") || stringAt(status, "reason");
  const message = why === "" ? `${prefix} without explanation` : `${prefix}: ${why}`;
  const code = typeof status["code"] === "number" && status["code"] >= 400 ? status["code"] : 400;
  const details = objectAt(status, "details");
  const answer: JsonObject = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    ...(status["reason"] === undefined ? {} : { reason: status["reason"] }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
    code,
  };
  return new StatusError("Forbidden", message, { answer });
}

export function dryRunRefusal(webhook: Webhook): StatusError {
  return new StatusError("BadRequest", `admission webhook "${webhook.name}" does not support dry run`);
}

export function conditionFailure(write: Write, error: unknown): StatusError {
  return forbidden(write.resource, write.name, reasonOf(error));
}
