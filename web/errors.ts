/** The web tier's errors about photos, each with a sentence that says what is wrong with this request and what to do. */
import { type ErrorCode, typedError as error } from './error-types.ts';
import { HttpError, quoted } from './http-error.ts';

/** Longer than the default, because clients that return at once would only be refused again. */
const BUSY_RETRY_SECONDS = 5;
const FORM_HINT = "Send a multipart form with one photo in the field 'inputFile'.";

export const httpError = {
  /** @param reason continues the sentence after a colon */
  brokenForm: (reason: string, cause?: unknown) =>
    error('broken-form', `The multipart form is broken: ${reason}.`, { cause }),
  /** @param what continues the sentence after "A part of the form" or the name of its field */
  brokenPart: (what: string, field?: string) => {
    const part = field === undefined ? 'A part of the form' : `The field ${quoted(field)}`;
    return error('broken-form', `${part} ${what}.`);
  },
  noBoundary: () =>
    error(
      'broken-form',
      'The Content-Type has no boundary: let the HTTP client write this header, do not set it by hand.',
    ),
  noFile: () => error('no-file', `No photo was sent. ${FORM_HINT}`),
  wrongField: (field: string | undefined) => {
    const where = field ? `the field ${quoted(field)}` : 'a field without a name';
    return error('wrong-field', `The file is in ${where}. ${FORM_HINT}`);
  },
  tooManyFiles: () => error('too-many-files', `More than one file was sent. ${FORM_HINT}`),
  tooManyPhotos: (max: number) =>
    error('too-many-files', `More than ${max} photos were sent: send fewer in one request.`),
  tooManyForRate: (perMinute: number) =>
    error(
      'too-many-files',
      `This key may send ${perMinute} photos per minute: send no more than that in one request.`,
    ),
  tooManyFields: (max: number) =>
    error(
      'too-many-fields',
      `The form has more than ${max} fields besides its photos. ${FORM_HINT}`,
    ),
  longField: (field: string | undefined, maxBytes: number) =>
    error(
      'too-many-fields',
      `The text in the field ${quoted(field ?? '')} is longer than ${maxBytes} bytes. ${FORM_HINT}`,
    ),
  longFieldName: (maxBytes: number) =>
    error('too-many-fields', `A field name is longer than ${maxBytes} bytes. ${FORM_HINT}`),
  emptyFile: () => error('empty-file', 'The photo is empty (0 bytes): send the whole file.'),
  badOption: (option: string, rule: string) =>
    error('bad-option', `The option ${quoted(option)} ${rule}.`),
  unknownOption: (option: string, known: string) =>
    error(
      'bad-option',
      `Unknown option ${quoted(option)}: this address has ${known ? `the options ${known}` : 'no options'}.`,
    ),
  optionNeedsJson: (option: string) =>
    error(
      'bad-option',
      `The option ${quoted(option)} needs a JSON answer: send the header Accept: application/json.`,
    ),
  badFileName: (sentence: string) => error('bad-file-name', sentence),
  /** @param status as Express found it */
  badRequest: (status: number) =>
    new HttpError(
      status,
      'bad-request' satisfies ErrorCode,
      'The request cannot be read: correct its path or its headers.',
    ),
  noKey: () =>
    error('no-key', 'A valid API key is needed: send the header Authorization: Bearer <key>.'),
  /** @param reason why this host or origin is refused */
  foreign: (reason: string) => error('foreign', reason),
  notFound: (path: string) =>
    error(
      'not-found',
      `There is nothing at ${quoted(path)}: send photos to POST /, and see /docs for the other addresses.`,
    ),
  noErrorType: () => error('not-found', 'There is no problem type with this code: see /problems.'),
  noSample: (cause?: unknown) =>
    error('no-sample', 'There is no sample photo with this name: see /samples.', { cause }),
  unknownId: () =>
    error('unknown-id', 'There is no recognition with this id, or its result has expired.'),
  /** @param allowed methods, separated by commas */
  method: (method: string, allowed: string) =>
    error('method', `${method} is not allowed here: use ${allowed}.`),
  slow: () =>
    error('slow', 'The upload was too slow while others were waiting: send the photo again.'),
  missing: (message: string) => error('missing', message),
  noLength: () =>
    error('no-length', 'A form with several photos needs a Content-Length: send it with them.'),
  tooLarge: (megabytes: number) =>
    error('too-large', `The photo is over the limit of ${megabytes} MB.`),
  tooLargeTogether: (megabytes: number) =>
    error('too-large', `The photos together are over the limit of ${megabytes} MB.`),
  /** @param type of the body; empty if the request has no Content-Type */
  notAForm: (type: string) => {
    const found = type === '' ? 'has no Content-Type' : `is ${quoted(type)}, not a multipart form`;
    return error('not-a-form', `The request ${found}. ${FORM_HINT}`);
  },
  encoded: (header: string, coding: string) =>
    error('encoded', `The body has the ${header} ${quoted(coding)}: send the form without it.`),
  notAnImage: (sentence: string) => error('not-an-image', sentence),
  unreadFormat: (sentence: string) => error('unread-format', sentence),
  expectation: (expected: string) =>
    error(
      'expectation',
      `Unknown Expect header ${quoted(expected)}: remove it, or send 100-continue.`,
    ),
  brokenImage: (message: string) => error('broken-image', message),
  noFace: (message: string) => error('no-face', message),
  forgotten: (message: string) => error('forgotten', message),
  tooMany: (retryAfter: number) =>
    error('too-many', `This key has reached its rate limit: try again in ${retryAfter} s.`, {
      retryAfter,
    }),
  internal: () =>
    error('internal', 'Internal error: if it happens again, give the operator the X-Request-Id.'),
  unanswerable: (message: string) => error('unanswerable', message),
  busy: () =>
    error('busy', 'Too many photos are waiting: send this one again later.', {
      retryAfter: BUSY_RETRY_SECONDS,
    }),
  overloaded: (retryAfter: number) =>
    error(
      'overloaded',
      'More photos are waiting than can be answered in time: send this one again later.',
      { retryAfter },
    ),
  failed: (message: string) => error('failed', message),
  stopping: () => error('stopping', 'This server is shutting down: send the photo again.'),
  tooManyViewers: () =>
    error('too-many-viewers', 'There are too many viewers: try again later.', {
      retryAfter: BUSY_RETRY_SECONDS,
    }),
  notStored: (cause: unknown) =>
    error('unavailable', 'The photo could not be stored: send it again.', { cause }),
  resultsUnreadable: (cause: unknown) =>
    error('result-unavailable', 'Results cannot be read at the moment: try again.', { cause }),
  tooSlow: (seconds: number) =>
    error('too-slow', `No answer came within ${seconds} s. If it still comes, it is stored.`),
} as const;

/** An error made for clients, or found by Express in a request (e.g. a path that cannot be decoded). */
export function expectedError(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  return status >= 400 && status < 500 ? httpError.badRequest(status) : undefined;
}

/** What a client is told about any error: one that was not expected says nothing about the inside. */
export function toHttpError(error: unknown): HttpError {
  return expectedError(error) ?? httpError.internal();
}
