/** Errors as RFC 9457 has them: what each type of problem means, its page, and the JSON body. */
import { z } from 'zod';
import { ACCEPTED_FORMATS } from '../../runtime/photo-format/formats.ts';
import type { HttpError } from '../errors.ts';

/** By code: a title, and what the sender can do about it. */
export const PROBLEMS: Readonly<Record<string, readonly [title: string, help: string]>> = {
  'not-a-form': ['Not a multipart form', 'Send the photo as multipart/form-data.'],
  encoded: ['The body is compressed', 'Send the form without a Content-Encoding.'],
  expectation: ['An unknown expectation', 'Leave the header Expect out.'],
  'broken-form': ['The form is broken', 'Send a whole multipart form with its boundary.'],
  'no-file': ['No photo came', 'Put the photo into the field inputFile.'],
  'wrong-field': ['A file in another field', 'Put the photo into the field inputFile.'],
  'too-many-files': ['Too many photos', 'Send fewer photos in one request.'],
  'too-many-fields': ['Too many fields', 'Leave out fields that the service does not know.'],
  'empty-file': ['The photo is empty', 'Send the whole file.'],
  'too-large': ['Too large', 'Send a smaller photo, or fewer in one request.'],
  'no-length': ['The length is not known', 'Send a Content-Length with several photos.'],
  'bad-option': ['An option is wrong', 'Correct the option that the detail names.'],
  'bad-file-name': ['The file name cannot be used', 'Name the file as the detail says.'],
  'not-an-image': ['Not a photo', `Send ${ACCEPTED_FORMATS}.`],
  'unread-format': [
    'A format that cannot be read',
    'Save the photo as JPEG or PNG, and send that.',
  ],
  'broken-image': ['The photo is broken', 'Send a whole photo of at most 51 megapixels.'],
  'no-face': ['No face in the photo', 'Send a photo with a face that is seen well.'],
  missing: ['The photo is gone', 'Send it again: another upload of its name replaced it.'],
  failed: ['Not recognised, though tried', 'Send it again later.'],
  unanswerable: [
    'The answer cannot be sent',
    'Tell the operator: sending the photo again ends in the same way.',
  ],
  method: ['The method is not possible here', 'Use one that the header Allow names.'],
  foreign: ['Sent by another site', 'Use localhost, or have the host added to ALLOWED_HOSTS.'],
  'no-key': ['A key is needed', 'Send Authorization: Bearer <key>.'],
  'too-many': ['Too many photos by this key', 'Wait as long as Retry-After says.'],
  busy: ['Too many photos wait here', 'Wait as long as Retry-After says, and send it again.'],
  overloaded: ['Overloaded', 'Wait as long as Retry-After says, and send it again.'],
  'too-many-viewers': ['Too many watch', 'Try again later.'],
  'no-sample': ['No such sample photo', 'See /samples for those there are.'],
  slow: ['The photo came too slowly', 'Send it again.'],
  stopping: ['The server is about to stop', 'Send it again: another server takes it.'],
  unavailable: ['Not taken in', 'Send it again after Retry-After.'],
  'too-slow': ['No answer in time', 'Ask for the result later, or send the photo again.'],
  'unknown-id': ['No such recognition', 'Its time to live may be over: send the photos again.'],
  'not-found': ['Nothing is here', 'See /docs for what there is.'],
  'bad-request': ['The request cannot be read', 'Correct its path or its headers.'],
  internal: [
    'Something went wrong here',
    'If it happens again, tell the operator the X-Request-Id.',
  ],
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
