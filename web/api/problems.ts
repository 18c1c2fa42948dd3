/** Errors as problem details (RFC 9457): the title and page of each type, and the JSON body. */
import { z } from 'zod';
import { ACCEPTED_FORMATS } from '../../runtime/photo-format/formats.ts';
import type { HttpError } from '../errors.ts';

/** By code: a title, and what the sender can do about it. */
export const PROBLEMS: Readonly<Record<string, readonly [title: string, help: string]>> = {
  'not-a-form': ['Not a multipart form', 'Send the photo as multipart/form-data.'],
  encoded: ['Compressed body', 'Send the form without a Content-Encoding.'],
  expectation: ['Unknown Expect header', 'Leave the header Expect out.'],
  'broken-form': ['Broken form', 'Send a whole multipart form with its boundary.'],
  'no-file': ['No photo sent', 'Put the photo into the field inputFile.'],
  'wrong-field': ['File in the wrong field', 'Put the photo into the field inputFile.'],
  'too-many-files': ['Too many photos', 'Send fewer photos in one request.'],
  'too-many-fields': ['Too many fields', 'Leave out fields that the service does not know.'],
  'empty-file': ['Empty photo', 'Send the whole file.'],
  'too-large': ['Too large', 'Send a smaller photo, or fewer in one request.'],
  'no-length': ['Content-Length missing', 'Send a Content-Length with several photos.'],
  'bad-option': ['Invalid option', 'Correct the option that the detail names.'],
  'bad-file-name': ['Invalid file name', 'Name the file as the detail says.'],
  'not-an-image': ['Not a photo', `Send ${ACCEPTED_FORMATS}.`],
  'unread-format': [
    'A format that cannot be read',
    'Save the photo as JPEG or PNG, and send that.',
  ],
  'broken-image': ['Broken photo', 'Send a whole photo of at most 51 megapixels.'],
  'no-face': [
    'No face in the photo',
    'Send a photo with a face that is clearly visible. Quarter turns are tried; straighten a photo that leans otherwise.',
  ],
  missing: ['Photo replaced', 'Send it again: another upload of its name replaced it.'],
  failed: ['Recognition failed', 'Send it again later.'],
  unanswerable: [
    'The answer cannot be sent',
    'Tell the operator: sending the photo again ends in the same way.',
  ],
  method: ['Method not allowed', 'Use one that the header Allow names.'],
  foreign: ['Request from another site', 'Use localhost, or have the host added to ALLOWED_HOSTS.'],
  'no-key': ['API key needed', 'Send Authorization: Bearer <key>.'],
  'too-many': ['Rate limit reached', 'Wait as long as Retry-After says.'],
  busy: ['Too many photos waiting', 'Wait as long as Retry-After says, and send it again.'],
  overloaded: ['Overloaded', 'Wait as long as Retry-After says, and send it again.'],
  'too-many-viewers': ['Too many viewers', 'Try again later.'],
  'no-sample': ['Sample not found', 'See /samples for those there are.'],
  slow: ['Upload too slow', 'Send it again.'],
  stopping: ['Server shutting down', 'Send it again: another server takes it.'],
  unavailable: ['Upload failed', 'Send it again after Retry-After.'],
  'too-slow': ['No answer in time', 'Ask for the result later, or send the photo again.'],
  'unknown-id': ['Recognition not found', 'Its time to live may be over: send the photos again.'],
  'not-found': ['Not found', 'See /docs for what there is.'],
  'bad-request': ['Invalid request', 'Correct its path or its headers.'],
  internal: ['Internal error', 'If it happens again, tell the operator the X-Request-Id.'],
};

/** Beside what RFC 9457 names, nothing. */
export const problemSchema = z.object({
  type: z.string().describe('where to read about this type of problem: /problems/<code>'),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string().describe('what is wrong with this request, in one sentence'),
  instance: z.string().optional().describe('urn:uuid:<request id>'),
});
export type Problem = z.output<typeof problemSchema>;

export function problemOf({ code, status, message }: HttpError, requestId?: string): Problem {
  return {
    type: `/problems/${code}`,
    title: PROBLEMS[code]?.[0] ?? code,
    status,
    detail: message,
    ...(requestId === undefined ? {} : { instance: `urn:uuid:${requestId}` }),
  };
}

/** What `/problems/<code>` says; undefined when there is no such type. */
export function problemPage(code: string): string | undefined {
  if (!Object.hasOwn(PROBLEMS, code)) return undefined;
  const [title, help] = PROBLEMS[code] as readonly [string, string];
  return `${title}. ${help}\n`;
}
