/**
 * The codes of the web tier's errors, with status, title and what a client can do: docs/errors.md, /problems
 * and the API's description are made from them. `errors.ts` and `people/errors.ts` make the errors themselves.
 */
import { ACCEPTED_FORMATS } from '../runtime/photo-format/formats.ts';
import { HttpError } from './http-error.ts';

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
  'bad-body': type(400, 'Invalid body', 'Send the JSON that the detail describes.'),
  'bad-field': type(400, 'Invalid field', 'Correct the field named in the detail.'),
  'bad-import': type(
    400,
    'Invalid import',
    'Correct the line named in the detail, and send the file again.',
  ),
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
  'unknown-person': type(
    404,
    'Person not found',
    'See GET /v1/people for the people of the gallery.',
  ),
  'unknown-face': type(404, 'Face not found', 'See GET /v1/people/{id} for the faces of a person.'),
  'unknown-version': type(
    404,
    'Version not found',
    'See GET /v1/gallery/versions for the versions that are kept.',
  ),
  'unknown-receipt': type(404, 'Receipt not found', 'Correct the id: a receipt is kept for good.'),
  method: type(405, 'Method not allowed', 'Use a method named in the header Allow.'),
  slow: type(408, 'Upload too slow', 'Send it again.'),
  missing: type(409, 'Photo replaced', 'Send it again: a later upload replaced the stored photo.'),
  'name-taken': type(
    409,
    'Name taken',
    'Choose another name, add the faces to that person with add=true, or merge the two people.',
  ),
  'last-face': type(
    409,
    'Last face',
    'Forget the person with DELETE /v1/people/{id}, or add another face first.',
  ),
  'same-person': type(409, 'Same person', 'Name two different people.'),
  'future-version': type(409, 'Version not there yet', 'See GET /v1/gallery for the live version.'),
  'other-encoder': type(
    409,
    'Other encoder',
    'Use embeddings of the encoder that GET /v1/gallery names.',
  ),
  forgotten: type(
    410,
    'Person forgotten',
    'The answer was deleted with the person: send the photo again.',
  ),
  'no-length': type(411, 'Content-Length missing', 'Send a Content-Length with several photos.'),
  'too-large': type(413, 'Too large', 'Send a smaller photo, or fewer photos in one request.'),
  'not-a-form': type(415, 'Not a multipart form', 'Send the photo as multipart/form-data.'),
  encoded: type(415, 'Compressed body', 'Send the form without a Content-Encoding.'),
  'not-json': type(415, 'Not JSON', 'Send the body with the Content-Type that the detail names.'),
  'not-an-image': type(415, 'Not a photo', `Send ${ACCEPTED_FORMATS}.`),
  'unread-format': type(
    415,
    'Unsupported format',
    'Save the photo as JPEG or PNG, then send that.',
  ),
  expectation: type(417, 'Unknown Expect header', 'Remove the header Expect.'),
  'broken-image': type(422, 'Broken photo', 'Send a complete photo of at most 51 megapixels.'),
  'no-face': type(422, 'No face in the photo', 'Send a photo in which a face is clearly visible.'),
  'several-faces': type(422, 'Several faces', 'Send a photo that shows this person alone.'),
  'low-quality': type(
    422,
    'Poor photo',
    'Send a better photo, or accept this one with accept=low-quality.',
  ),
  'key-reused': type(
    422,
    'Idempotency-Key used before',
    'Send a new key: this one was sent with another name or other photos.',
  ),
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
  'gallery-unavailable': type(503, 'Gallery unavailable', RETRY_LATER),
  'too-slow': type(504, 'No answer in time', 'Ask for the result later, or send the photo again.'),
} satisfies Record<string, ErrorType>;

export type ErrorCode = keyof typeof ERROR_TYPES;

export function typedError(
  code: ErrorCode,
  message: string,
  options?: ErrorOptions & { retryAfter?: number },
): HttpError {
  return new HttpError(ERROR_TYPES[code].status, code, message, options);
}
