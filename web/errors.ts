/** Every way the web tier says no, in one catalogue: a status, a stable code and one clear sentence. */
import { ElasticFaceError } from '../runtime/errors.ts';

/** A refusal or failure that a client may read as it stands: no internals in the message. */
export class HttpError extends ElasticFaceError {
  readonly status: number;
  /** When to try again, in seconds; undefined where trying again does not help. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    options: ErrorOptions & { retryAfter?: number } = {},
  ) {
    super(code, message, options);
    this.status = status;
    this.retryAfter = options.retryAfter ?? (status === 503 ? 1 : undefined);
  }
}

/** A crowd that comes back at once would only be refused again. */
const BUSY_RETRY_SECONDS = 5;
/** Letters of a client's own words that a sentence repeats. */
const MOST_QUOTED = 60;
const FORM_HINT = "Send a multipart form with one photo in the field 'inputFile'.";

/** What a client sent, as it may stand in a sentence: short, and only in printable ASCII letters. */
export function quoted(text: string): string {
  const escaped = (unit: string): string =>
    `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text.slice(0, MOST_QUOTED)).replace(/[^\x20-\x7e]/g, escaped);
}

export const refuse = {
  /** @param type of the body; empty where the request names none */
  notAForm: (type: string) =>
    new HttpError(
      415,
      'not-a-form',
      `The body is ${type === '' ? 'of no Content-Type' : quoted(type)}, not a multipart form. ${FORM_HINT}`,
    ),
  encoded: (header: string, coding: string) =>
    new HttpError(
      415,
      'encoded',
      `The body has the ${header} ${quoted(coding)}: send the form as it is, without it.`,
    ),
  noBoundary: () =>
    new HttpError(
      400,
      'broken-form',
      'The Content-Type names no boundary: let the HTTP client write this header, do not set it by hand.',
    ),
  /** @param why as the sentence goes on after a colon */
  brokenForm: (why: string, cause?: unknown) =>
    new HttpError(400, 'broken-form', `The multipart form is broken: ${why}.`, { cause }),
  /** @param what as the sentence goes on after the part */
  brokenPart: (what: string, field?: string) => {
    const part = field === undefined ? 'A part of the form' : `The field ${quoted(field)}`;
    return new HttpError(400, 'broken-form', `${part} ${what}.`);
  },
  expectation: (expected: string) =>
    new HttpError(
      417,
      'expectation',
      `The header Expect asks for ${quoted(expected)}: leave it out, or send 100-continue.`,
    ),
  noFile: () => new HttpError(400, 'no-file', `No photo was sent. ${FORM_HINT}`),
  wrongField: (field: string | undefined) =>
    new HttpError(
      400,
      'wrong-field',
      `A file came in ${field ? `the field ${quoted(field)}` : 'another field'}. ${FORM_HINT}`,
    ),
  tooManyFiles: () => new HttpError(400, 'too-many-files', `More than one file came. ${FORM_HINT}`),
  tooManyFields: (most: number) =>
    new HttpError(
      400,
      'too-many-fields',
      `The form has more than ${most} fields beside its photos. ${FORM_HINT}`,
    ),
  longField: (field: string | undefined, most: number) =>
    new HttpError(
      400,
      'too-many-fields',
      `The text in the field ${quoted(field ?? '')} is longer than ${most} bytes. ${FORM_HINT}`,
    ),
  longFieldName: (most: number) =>
    new HttpError(
      400,
      'too-many-fields',
      `The name of a field is longer than ${most} bytes. ${FORM_HINT}`,
    ),
  emptyFile: () => new HttpError(400, 'empty-file', 'The photo is empty: it has 0 bytes.'),
  tooLarge: (megabytes: number) =>
    new HttpError(413, 'too-large', `The photo is over the limit of ${megabytes} MB.`),
  tooLargeInAll: (megabytes: number) =>
    new HttpError(413, 'too-large', `The photos are over the limit of ${megabytes} MB in all.`),
  noLength: () =>
    new HttpError(411, 'no-length', 'Several photos need a Content-Length: send it with them.'),
  tooManyPhotos: (most: number) =>
    new HttpError(400, 'too-many-files', `More than ${most} photos came: send fewer at once.`),
  badOption: (option: string, rule: string) =>
    new HttpError(400, 'bad-option', `The option ${quoted(option)} ${rule}.`),
  unknownOption: (option: string, known: string) =>
    new HttpError(
      400,
      'bad-option',
      `Unknown option ${quoted(option)}: this address knows ${known || 'no options'}.`,
    ),
  optionOfJson: (option: string) =>
    new HttpError(
      400,
      'bad-option',
      `The option ${quoted(option)} needs an answer in JSON: send the header Accept: application/json.`,
    ),
  unknownId: () =>
    new HttpError(404, 'unknown-id', 'There is no recognition of this id, or not any more.'),
  noProblem: () =>
    new HttpError(404, 'not-found', 'There is no such type of problem: see /problems.'),
  unreadable: (cause: unknown) =>
    new HttpError(503, 'unavailable', 'Results cannot be read just now: ask again.', { cause }),
  badFileName: (rule: string) => new HttpError(400, 'bad-file-name', rule),
  notAnImage: (sentence: string) => new HttpError(415, 'not-an-image', sentence),
  unreadFormat: (sentence: string) => new HttpError(415, 'unread-format', sentence),
  image: (message: string) => new HttpError(422, 'broken-image', message),
  noFace: (message: string) => new HttpError(422, 'no-face', message),
  missing: (message: string) => new HttpError(409, 'missing', message),
  failed: (message: string) => new HttpError(503, 'failed', message),
  unanswerable: (message: string) => new HttpError(500, 'unanswerable', message),
  method: (method: string) =>
    new HttpError(405, 'method', `${method} is not possible here: photos are sent with POST.`),
  foreign: (reason: string) => new HttpError(403, 'foreign', reason),
  moreThanRate: (perMinute: number) =>
    new HttpError(
      400,
      'too-many-files',
      `This key may send ${perMinute} photos a minute: send no more than that in one request.`,
    ),
  noKey: () =>
    new HttpError(
      401,
      'no-key',
      'A valid key is needed here: send it in the header Authorization, as Bearer <key>.',
    ),
  tooMany: (retryAfter: number) =>
    new HttpError(429, 'too-many', `This key has sent too many photos: wait ${retryAfter} s.`, {
      retryAfter,
    }),
  busy: () =>
    new HttpError(503, 'busy', 'Too many photos are waiting here: send this one again later.', {
      retryAfter: BUSY_RETRY_SECONDS,
    }),
  overloaded: (retryAfter: number) =>
    new HttpError(
      503,
      'overloaded',
      'More photos are waiting than can be answered in time: send this one again later.',
      { retryAfter },
    ),
  tooManyViewers: () =>
    new HttpError(503, 'too-many-viewers', 'There are too many viewers: try again later.', {
      retryAfter: BUSY_RETRY_SECONDS,
    }),
  noSample: (cause?: unknown) =>
    new HttpError(404, 'no-sample', 'There is no sample photo of this name.', { cause }),
  slow: () =>
    new HttpError(408, 'slow', 'The photo came too slowly while others waited: send it again.'),
  stopping: () =>
    new HttpError(503, 'stopping', 'This server is about to stop: send the photo again.'),
  unavailable: (cause: unknown) =>
    new HttpError(503, 'unavailable', 'The photo could not be taken in just now: send it again.', {
      cause,
    }),
  tooSlow: (seconds: number) =>
    new HttpError(
      504,
      'too-slow',
      `No answer came within ${seconds} s; should it still come, it is stored.`,
    ),
} as const;
