/**
 * Structured logs, one JSON object a line on standard error: standard output belongs to answers.
 * No photo and no embedding is ever logged.
 */
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';

export type { Logger };

/**
 * A logger for one service. Every line carries `service`; add `request` (the request id) through
 * `log.child({ request })` so that one request can be followed across services.
 * @param destination only a program that speaks to a person on standard error logs elsewhere
 */
export function createLogger(
  service: string,
  level: string,
  destination: DestinationStream = process.stderr,
): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      serializers: { err: stdSerializers.errWithCause },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}
