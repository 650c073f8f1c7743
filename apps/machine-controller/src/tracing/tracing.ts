/**
 * OpenTelemetry traces over OTLP/HTTP, where the standard environment variables ask for them: a reconcile is a trace, with
 * a span for each effect, provider operation, cloud request and API request within it. Without them nothing is loaded.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Around, Work } from "../observe/work.ts";

export type Tracing = {
  around: Around;
  /** Sends what is left. Never throws. */
  close(): Promise<void>;
};

const ENDPOINTS = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

export function wantsTraces(environment: NodeJS.ProcessEnv): boolean {
  const isOff = environment["OTEL_SDK_DISABLED"] === "true" || environment["OTEL_TRACES_EXPORTER"] === "none";
  return !isOff && ENDPOINTS.some((name) => environment[name]);
}

/** Endpoint, headers, sampler, limits and resource attributes are what the standard's variables say. */
export async function startTracing(options: {
  environment: NodeJS.ProcessEnv;
  version: string;
  /** Takes what nobody may read out of messages. */
  redact: (text: string) => string;
}): Promise<Tracing | undefined> {
  const { environment, version, redact } = options;
  if (!wantsTraces(environment)) return undefined;
  const { createTracerProvider } = await import("./tracer-provider.ts");
  const provider = createTracerProvider({ environment, version });
  const tracer = provider.getTracer("machine-controller", version);
  const parents = new AsyncLocalStorage<Context>();

  return {
    async around(work, run) {
      const parent = parents.getStore();
      // Watches and renewals of the Lease belong to no reconcile, and never end.
      if (parent === undefined && work.kind !== "reconcile") return run();
      const { name, kind, attributes } = spanOf(work);
      const span = tracer.startSpan(name, { kind, attributes }, parent ?? ROOT_CONTEXT);
      try {
        const result = await parents.run(trace.setSpan(parent ?? ROOT_CONTEXT, span), run);
        if (result instanceof Response) span.setAttribute("http.response.status_code", result.status);
        return result;
      } catch (error) {
        tellError(span, error, redact);
        throw error;
      } finally {
        span.end();
      }
    },
    async close() {
      await provider.shutdown().catch(() => undefined);
    },
  };
}

function tellError(span: Span, error: unknown, redact: (text: string) => string): void {
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  span.setAttribute("error.type", code ?? (error instanceof Error ? error.name : typeof error));
  const message = redact(error instanceof Error ? error.message : String(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

const { INTERNAL, CLIENT } = SpanKind;

function spanOf(work: Work): { name: string; kind: SpanKind; attributes: Record<string, string | number> } {
  switch (work.kind) {
    case "reconcile": {
      const { controller, key, waitedMs } = work;
      const attributes = {
        "machine_controller.controller": controller,
        "k8s.object": key,
        "queue.waited_ms": waitedMs,
      };
      return { name: `reconcile ${controller}`, kind: INTERNAL, attributes };
    }
    case "effect":
      return { name: `effect ${work.effect}`, kind: INTERNAL, attributes: { "k8s.object": work.key } };
    case "cloud-operation": {
      const attributes = { "cloud.provider": work.provider, "k8s.object": work.machine };
      return { name: `${work.provider} ${work.operation}`, kind: INTERNAL, attributes };
    }
    case "cloud-request": {
      const attributes = {
        "cloud.provider": work.provider,
        "http.request.method": work.method,
        "server.address": work.host,
      };
      return { name: `${work.method} ${work.provider}`, kind: CLIENT, attributes };
    }
    case "api-request": {
      const attributes = { "http.request.method": work.method, "k8s.verb": work.verb, "k8s.resource": work.resource };
      return { name: `${work.verb} ${work.resource}`, kind: CLIENT, attributes };
    }
  }
}
