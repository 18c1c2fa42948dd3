/**
 * Spans by OpenTelemetry's SDK, sent in batches over OTLP/HTTP in JSON. An exporter that is away costs a
 * line in the log: spans beyond the batch's queue are dropped, and no request waits.
 */
import {
  type Context,
  DiagLogLevel,
  diag,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Span, SpanOptions, Tracing } from './tracing.ts';

/** An answer of a collector nearby takes milliseconds. */
const EXPORT_LIMIT_MS = 2000;
const STOP_LIMIT_MS = 3000;
/** Version 00 of W3C Trace Context; ids of zeros name nothing. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

export interface ExportOptions {
  readonly url: string;
  /** As traces name it, after the project's own name. */
  readonly service: string;
  /** Which instance of the service. */
  readonly instance: string;
  readonly log: Logger;
}

export function openExport({ url, service, instance, log }: ExportOptions): Tracing {
  tellTroubleOnce(log);
  const exporter = new OTLPTraceExporter({
    url,
    timeoutMillis: EXPORT_LIMIT_MS,
  });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': `elastic-face-${service}`,
      'service.instance.id': instance,
      // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
    }).merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter, { exportTimeoutMillis: EXPORT_LIMIT_MS })],
  });
  const tracer = provider.getTracer('elastic-face');
  return {
    start: (name, parent, options = {}) => begin(tracer, name, contextOf(parent), options),
    async stop() {
      const limit = new Promise<void>((resolve) => {
        setTimeout(resolve, STOP_LIMIT_MS).unref();
      });
      await Promise.race([provider.shutdown().catch(() => {}), limit]);
    },
  };
}

function begin(
  tracer: Tracer,
  name: string,
  context: Context,
  { kind = 'internal', attributes = {}, startedAt }: SpanOptions,
): Span {
  const options = { kind: kinds[kind], attributes, ...(startedAt && { startTime: startedAt }) };
  return wrapped(tracer, tracer.startSpan(name, options, context), context);
}

function wrapped(tracer: Tracer, span: OtelSpan, context: Context): Span {
  const own = trace.setSpan(context, span);
  return {
    get traceparent() {
      const { traceId, spanId, traceFlags } = span.spanContext();
      return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
    },
    child: (name, options = {}) => begin(tracer, name, own, options),
    set: (attributes) => void span.setAttributes(attributes),
    end(failure, at) {
      if (failure !== undefined) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(failure) });
      }
      span.end(at);
    },
  };
}

function contextOf(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags, 16);
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

/** The SDK reports each batch that it could not send; one line is enough. */
function tellTroubleOnce(log: Logger): void {
  let told = false;
  const tell = (message: string): void => {
    if (!told) log.warn({ message }, 'Cannot export traces. Check OTEL_EXPORTER_OTLP_ENDPOINT.');
    told = true;
  };
  const quiet = (): void => {};
  const logger = { error: tell, warn: quiet, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
}
