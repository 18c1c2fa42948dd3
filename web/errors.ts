/**
 * The catalogue of the web tier's errors. First the codes, with status, title and what a client can do:
 * docs/errors.md, /problems and the API's description are made from them. Then the errors themselves, each
 * with a sentence that says what is wrong with this request and what to do.
 */
import { ACCEPTED_FORMATS } from '../runtime/photo-format/formats.ts';
import { HttpError, quoted } from './http-error.ts';

export interface ErrorType {
  readonly status: number;
  readonly title: string;
  /** What the client can do about it. */
  readonly help: string;
}

const type = (status: number, title: string, help: string): ErrorType => ({ status, title, help });

const RETRY_LATER = 'Wait for the seconds in Retry-After, then send it again.';

export const ERROR_TYPES = {
  'broken-form': type(400, 'Broken form', 'Send a complete multipart form with its boundary.'),
  'no-file': type(400, 'No photo sent', 'Send the photo in the field inputFile.'),
  'wrong-field': type(400, 'File in the wrong field', 'Send the photo in the field inputFile.'),
  'too-many-files': type(400, 'Too many photos', 'Send fewer photos in one request.'),
  'too-many-fields': type(400, 'Too many fields', 'Remove the fields that are not options.'),
  'empty-file': type(400, 'Empty photo', 'Send the whole file.'),
  'bad-option': type(400, 'Invalid option', 'Correct the option named in the detail.'),
  'bad-file-name': type(400, 'Invalid file name', 'Rename the file as the detail says.'),
  'bad-request': type(400, 'Invalid request', 'Correct the path or the headers.'),
  'no-key': type(401, 'API key needed', 'Send the header Authorization: Bearer <key>.'),
  foreign: type(
    403,
    'Request from another site',
    'Use localhost, or add the host to ALLOWED_HOSTS.',
  ),
  'not-found': type(404, 'Not found', 'See /docs for the addresses of this service.'),
  'no-sample': type(404, 'Sample not found', 'See /samples for the names of the samples.'),
  'unknown-id': type(
    404,
    'Recognition not found',
    'If its result has expired, send the photos again.',
  ),
  method: type(405, 'Method not allowed', 'Use a method named in the header Allow.'),
  slow: type(408, 'Upload too slow', 'Send it again.'),
  missing: type(409, 'Photo replaced', 'Send it again: a later upload replaced the stored photo.'),
  'no-length': type(411, 'Content-Length missing', 'Send a Content-Length with several photos.'),
  'too-large': type(413, 'Too large', 'Send a smaller photo, or fewer photos in one request.'),
  'not-a-form': type(415, 'Not a multipart form', 'Send the photo as multipart/form-data.'),
  encoded: type(415, 'Compressed body', 'Send the form without a Content-Encoding.'),
  'not-an-image': type(415, 'Not a photo', `Send ${ACCEPTED_FORMATS}.`),
  'unread-format': type(
    415,
    'Unsupported format',
    'Save the photo as JPEG or PNG, then send that.',
  ),
  expectation: type(417, 'Unknown Expect header', 'Remove the header Expect.'),
  'broken-image': type(422, 'Broken photo', 'Send a complete photo of at most 51 megapixels.'),
  'no-face': type(422, 'No face in the photo', 'Send a photo in which a face is clearly visible.'),
  'too-many': type(429, 'Rate limit reached', RETRY_LATER),
  internal: type(500, 'Internal error', 'If it happens again, give the operator the X-Request-Id.'),
  unanswerable: type(
    500,
    'Answer cannot be sent',
    'Tell the operator. Sending it again does not help.',
  ),
  busy: type(503, 'Too many photos waiting', RETRY_LATER),
  overloaded: type(503, 'Overloaded', RETRY_LATER),
  failed: type(503, 'Recognition failed', RETRY_LATER),
  stopping: type(503, 'Server shutting down', 'Send it again: another server will take it.'),
  'too-many-viewers': type(503, 'Too many viewers', 'Try again later.'),
  unavailable: type(503, 'Upload failed', RETRY_LATER),
  'result-unavailable': type(503, 'Result unavailable', 'Ask for the result again.'),
  'too-slow': type(504, 'No answer in time', 'Ask for the result later, or send the photo again.'),
} satisfies Record<string, ErrorType>;

export type ErrorCode = keyof typeof ERROR_TYPES;

function error(
  code: ErrorCode,
  message: string,
  options?: ErrorOptions & { retryAfter?: number },
): HttpError {
  return new HttpError(ERROR_TYPES[code].status, code, message, options);
}

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
    error('not-found', `There is nothing at ${quoted(path)}: send photos to POST /.`),
  noErrorType: () => error('not-found', 'There is no problem type with this code: see /problems.'),
  noSample: (cause?: unknown) =>
    error('no-sample', 'There is no sample photo with this name.', { cause }),
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
