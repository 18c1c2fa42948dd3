/**
 * Structured logs, one JSON object a line on standard error: standard output belongs to answers.
 * No photo and no embedding is ever logged.
 */
import { type Logger, pino, stdSerializers } from 'pino';

export type { Logger };

/**
 * A logger for one service. Every line carries `service`; add `request` (the request id) through
 * `log.child({ request })` so that one request can be followed across services.
 */
export function createLogger(service: string, level: string): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      serializers: { err: stdSerializers.errWithCause },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    process.stderr,
  );
}
