/** The errors of requests about people, each with a sentence that says what is wrong and what to do. */
import { typedError as error } from '../error-types.ts';
import { quoted } from '../http-error.ts';

/** A photo of a form, as its client knows it: `Photo 2 ("b.jpg")`. */
export function photoWords(index: number, file: string | undefined): string {
  return `Photo ${index + 1}${file === undefined ? '' : ` (${quoted(file)})`}`;
}

/** Before any worker has started and before any change. */
export const NOT_PUBLISHED =
  'No worker has published the people of the model yet: send a photo to POST / first, then ask again.';

export const peopleError = {
  /** @param rule continues the sentence after the field's name */
  badField: (field: string, rule: string) =>
    error('bad-field', `The field ${quoted(field)} ${rule}.`),
  unknownField: (field: string, known: readonly string[]) =>
    error('bad-field', `Unknown field ${quoted(field)}: this request has ${known.join(', ')}.`),
  noField: (sentence: string) => error('bad-field', sentence),
  badBody: (cause?: unknown) =>
    error('bad-body', 'The body is not valid JSON: send one JSON object.', { cause }),
  notJson: (type: string, wanted: string) =>
    error(
      'not-json',
      `The body ${type === '' ? 'has no Content-Type' : `is ${quoted(type)}`}: send it as ${wanted}.`,
    ),
  bodyTooLarge: (kilobytes: number) =>
    error('too-large', `The body is over the limit of ${kilobytes} kB.`),
  badImport: (sentence: string, cause?: unknown) => error('bad-import', sentence, { cause }),
  unknownPerson: () =>
    error(
      'unknown-person',
      'There is no person with this id in the gallery: GET /v1/people, or people list, shows who there is.',
    ),
  notPublished: () => error('unknown-person', NOT_PUBLISHED),
  unknownName: () =>
    error(
      'unknown-person',
      'There is no person with this name in the gallery: correct it, or enrol the person first.',
    ),
  unknownFace: () =>
    error(
      'unknown-face',
      'This person has no face with this id: GET /v1/people/{id}, or people show, lists them.',
    ),
  unknownVersion: (sentence: string, cause?: unknown) =>
    error('unknown-version', sentence, { cause }),
  unknownReceipt: () =>
    error(
      'unknown-receipt',
      'There is no receipt with this id: send the id that forgetting the person has answered.',
    ),
  nameTaken: () =>
    error(
      'name-taken',
      'Another person has this name: choose another name, or add the faces to that person (add=true, or --add).',
    ),
  renamedToTaken: () =>
    error(
      'name-taken',
      'Another person has this name: choose another name, or merge the two people (POST /v1/people/{id}/merge, or people merge).',
    ),
  keyReused: () =>
    error(
      'key-reused',
      'This Idempotency-Key was sent with another name or other photos: send a new key with this request.',
    ),
  needsFile: () =>
    error(
      'unknown-id',
      'No recognition with this id is kept. If its answer was given at once, send its "file" too; if it has expired, send the photo again.',
    ),
  lastFace: () =>
    error(
      'last-face',
      'This is the last face of the person: forget the person, or add another face first.',
    ),
  noSuchFace: (faces: number) =>
    error('unknown-face', `The answer has no such face: it has ${faces} (0 is the largest).`),
  noBox: () =>
    error(
      'bad-field',
      'The faces of this answer were not stored: send the box of the face (x1, y1, x2, y2) in the field "face".',
    ),
  badKey: () =>
    error('bad-field', 'The header Idempotency-Key must be 1 to 255 printable ASCII characters.'),
  mergeWithItself: () =>
    error('same-person', 'A person cannot be merged with itself: name another person.'),
  futureVersion: (asked: number, live: number) =>
    error(
      'future-version',
      `The gallery has no version ${asked} yet: the live version is ${live}.`,
    ),
  otherLength: (bytes: number, length: number) =>
    error(
      'other-encoder',
      `The embedding has ${bytes} bytes, and those of the gallery have ${4 * length}: it is of another encoder.`,
    ),
  otherEncoder: (theirs: string, ours: string) =>
    error(
      'other-encoder',
      `These embeddings are of the encoder ${quoted(theirs)}, and the gallery's are of ${quoted(ours)}: send the photos instead, or embeddings of ${quoted(ours)}.`,
    ),
  otherModel: (model: string, gallery: string) =>
    error(
      'other-encoder',
      `The workers' model has the encoder ${quoted(model)}, and the people were enrolled with ${quoted(gallery)}: the operator must deploy that model again, or move the gallery to the new encoder (docs/people.md#another-encoder).`,
    ),
  refusedChange: (sentence: string, cause: unknown) => error('other-encoder', sentence, { cause }),
  noFace: (photo: string) =>
    error('no-face', `${photo} shows no face: send one in which the face is clearly visible.`),
  brokenPhoto: (photo: string, reason: string) =>
    error('broken-image', `${photo} cannot be used: ${reason}`),
  severalFaces: (photo: string, faces: number) =>
    error(
      'several-faces',
      `${photo} shows ${faces} faces of similar size: send one that shows this person alone.`,
    ),
  lowQuality: (photo: string, reasons: readonly string[]) =>
    error(
      'low-quality',
      `${photo} is not good enough: ${reasons.join(' ')} Send a better photo, or accept this one (accept=low-quality, or --accept low-quality).`,
    ),
  unavailable: (cause: unknown) =>
    error('gallery-unavailable', 'The gallery cannot be read or changed now: try again.', {
      cause,
    }),
} as const;
