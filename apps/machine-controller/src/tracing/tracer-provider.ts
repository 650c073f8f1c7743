/** OpenTelemetry's SDK, set up as the standard's environment variables say. */
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  type Sampler,
  TraceIdRatioBasedSampler,
  ParentBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

/** The exporter reads endpoint and headers, and the detectors the resource, from the process's own environment. */
export function createTracerProvider(options: { environment: NodeJS.ProcessEnv; version: string }): TracerProvider {
  const named = resourceFromAttributes({ "service.name": "machine-controller", "service.version": options.version });
  const detectors = [resourceAttributesEnvDetector, serviceNameEnvDetector];
  return new TracerProvider({
    resource: named.merge(detectResources({ detectors })),
    sampler: new ParentBasedSampler({ root: samplerOf(options.environment) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
}

/** `OTEL_TRACES_SAMPLER`. No trace of ours begins elsewhere, so `parentbased_` makes no difference. */
function samplerOf(environment: NodeJS.ProcessEnv): Sampler {
  const name = environment["OTEL_TRACES_SAMPLER"] ?? "always_on";
  if (name.endsWith("always_off")) return new AlwaysOffSampler();
  if (!name.endsWith("traceidratio")) return new AlwaysOnSampler();
  return new TraceIdRatioBasedSampler(Number(environment["OTEL_TRACES_SAMPLER_ARG"] ?? 1));
}
