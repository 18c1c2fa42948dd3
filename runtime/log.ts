/**
 * Structured logs, one JSON object a line on standard error: standard output belongs to answers.
 * No photo and no embedding is ever logged, and no letter that a terminal or an editor obeys.
 */
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** Longer texts of errors are cut: what a library puts into its message may be anything. */
const MOST_LETTERS = 2000;
/** An array of more numbers than this is an embedding or pixels; a box has 4. */
const MOST_NUMBERS = 32;
const MOST_LEVELS = 5;
/** What JSON leaves as it is though a terminal obeys it: DEL, C1 controls, separators, directions. */
const OBEYED = /[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

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
  if (destination === process.stderr && !process.stderr.listeners('error').includes(loseLine)) {
    process.stderr.on('error', loseLine);
  }
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      serializers: { err: plainError },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => withoutBytes(fields, 0) as Record<string, unknown>,
      },
    },
    { write: (line) => void destination.write(line.replace(OBEYED, escaped)) },
  );
}

/** A line that a full disk or a closed pipe does not take is lost; without a listener the process ends. */
function loseLine(): void {}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

interface PlainError {
  readonly type: string;
  readonly message: string;
  readonly code?: unknown;
  readonly stack?: string;
  readonly cause?: unknown;
}

/** Of an error only what errors have: a library may hang requests, answers or bytes on it. */
function plainError(error: unknown, level = 0): unknown {
  if (!(error instanceof Error)) return withoutBytes(error, 0);
  const { name, message, stack, cause } = error;
  const plain: PlainError = {
    type: name,
    message: message.slice(0, MOST_LETTERS),
    ...('code' in error && typeof error.code !== 'object' ? { code: error.code } : {}),
    ...(stack === undefined ? {} : { stack: stack.slice(0, MOST_LETTERS) }),
    ...(cause === undefined || level >= MOST_LEVELS ? {} : { cause: plainError(cause, level + 1) }),
  };
  return plain;
}

/** Photos and embeddings as their size; anything else as it is, so far as logs go. */
function withoutBytes(value: unknown, level: number): unknown {
  if (value instanceof Error || typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value;
  if (level >= MOST_LEVELS) return '[…]';
  if (Array.isArray(value)) {
    if (value.length > MOST_NUMBERS && value.every((one) => typeof one === 'number')) {
      return `[${value.length} numbers]`;
    }
    return value.map((one) => withoutBytes(one, level + 1));
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, withoutBytes(one, level + 1)]),
  );
}
