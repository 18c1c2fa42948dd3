/**
 * Traces of requests, in the words of OpenTelemetry: off, and then nothing of its SDK is even loaded,
 * unless an exporter is set. Knows no service.
 */
import type { Logger } from '../log.ts';

export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** When it began, where that was before now: ms since 1970. */
  readonly startedAt?: number;
}

/** A stretch of one request's way. */
export interface Span {
  /** For the next process: W3C Trace Context; undefined when this request is not traced. */
  readonly traceparent: string | undefined;
  child(name: string, options?: SpanOptions): Span;
  set(attributes: Attributes): void;
  /**
   * @param failure why it did not come to what it should have
   * @param at ms since 1970; now by default
   */
  end(failure?: unknown, at?: number): void;
}

export interface Tracing {
  /** @param parent the traceparent of what it is a part of; one that cannot be read begins a new trace */
  start(name: string, parent: string | undefined, options?: SpanOptions): Span;
  /** Sends what is left, for a short while; never rejects. */
  stop(): Promise<void>;
}

export const NO_SPAN: Span = {
  traceparent: undefined,
  child: () => NO_SPAN,
  set() {},
  end() {},
};

export const NO_TRACING: Tracing = { start: () => NO_SPAN, stop: async () => {} };

export interface Exporter {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined;
}

export interface TracingOptions {
  readonly settings: Exporter;
  /** As traces name it, after the project's own name. */
  readonly service: string;
  /** Which of several it is. */
  readonly instance: string;
  readonly log: Logger;
}

export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const url = tracesUrl(options.settings);
  if (url === undefined) return NO_TRACING;
  const { openExport } = await import('./export.ts');
  return openExport(url, options);
}

/** Where spans go, by OpenTelemetry's own rules; undefined when nowhere. */
export function tracesUrl(settings: Exporter): string | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces } = settings;
  if (traces !== undefined || all === undefined) return traces;
  return new URL('v1/traces', all.endsWith('/') ? all : `${all}/`).href;
}

/** Does the work within a span, which tells when it failed. */
export async function within<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
