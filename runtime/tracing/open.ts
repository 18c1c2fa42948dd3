/**
 * Opens tracing: off unless an exporter is set, and OpenTelemetry's SDK is loaded only then. Knows no service.
 */
import type { ExportOptions } from './export.ts';
import { NO_TRACING, type Tracing } from './tracing.ts';

export interface Exporter {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined;
}

export interface TracingOptions extends Omit<ExportOptions, 'url'> {
  readonly settings: Exporter;
}

export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const url = tracesUrl(options.settings);
  if (url === undefined) return NO_TRACING;
  const { openExport } = await import('./export.ts');
  return openExport({ ...options, url });
}

/** Where spans go, by OpenTelemetry's own rules; undefined when nowhere. */
export function tracesUrl(settings: Exporter): string | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces } = settings;
  if (traces !== undefined || all === undefined) return traces;
  return new URL('v1/traces', all.endsWith('/') ? all : `${all}/`).href;
}
