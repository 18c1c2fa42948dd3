/** The error that a client may read as it is: no internals in its message. */
import { ElasticFaceError } from '../runtime/errors.ts';

/** Seconds after which a 503 asks the client to try again, unless its error says otherwise. */
const RETRY_SECONDS = 1;
const MAX_QUOTED_LENGTH = 60;

export class HttpError extends ElasticFaceError {
  readonly status: number;
  /** Seconds after which to try again; undefined where trying again does not help. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    options: ErrorOptions & { retryAfter?: number } = {},
  ) {
    super(code, message, options);
    this.status = status;
    this.retryAfter = options.retryAfter ?? (status === 503 ? RETRY_SECONDS : undefined);
  }
}

/** What a client sent, for use in a message: shortened, in quotes, printable ASCII only. */
export function quoted(text: string): string {
  const escaped = (unit: string): string =>
    `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text.slice(0, MAX_QUOTED_LENGTH)).replace(/[^\x20-\x7e]/g, escaped);
}
