/** Traces of requests, in OpenTelemetry's terms: the interface that services use. Knows no service and no SDK. */

export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** When it began, where that was before now: ms since 1970. */
  readonly startedAt?: number;
}

/** One step of a request. */
export interface Span {
  /** For the next process: W3C Trace Context; undefined when this request is not traced. */
  readonly traceparent: string | undefined;
  child(name: string, options?: SpanOptions): Span;
  set(attributes: Attributes): void;
  /**
   * @param failure why the step failed
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

/** Runs the work inside a span, and records a failure in it. */
export async function inSpan<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
