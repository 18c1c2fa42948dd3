/** Reads the photos and fields of a multipart form, within limits on size, number and memory. */
import { pipeline, Transform } from 'node:stream';
import type { Request, RequestHandler, Response } from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import { httpError } from '../errors.ts';
import { HttpError } from '../http-error.ts';
import { type Reservation, untilAborted } from './admission.ts';
import { formTypeOf } from './form/content-type.ts';
import { FormBody } from './form/form-body.ts';
import { PHOTO_FIELD } from './form/part-head.ts';
import type { RawPhoto } from './photo.ts';

export const BYTES_PER_MB = 1024 * 1024;
/** Fields besides the photos, and the bytes of each. */
const MOST_FIELDS = 16;
const MOST_FIELD_BYTES = 4096;
const MOST_FIELD_NAME_BYTES = 100;
/** Bytes of a form besides its photo. */
const MOST_FORM_BYTES = 256 * 1024;
/** While the chunks of a photo are joined, it is in memory twice. */
const COPIES = 2;

export interface Form {
  readonly photos: readonly RawPhoto[];
  readonly fields: Readonly<Record<string, unknown>>;
}

/** @param room reserves memory for the photos as they arrive; reading ends once it is displaced */
export type ReadForm = (
  request: Request,
  response: Response,
  room: Pick<Reservation, 'displaced' | 'grow'>,
) => Promise<Form>;

const NO_BYTES = Buffer.alloc(0);

/** Multer's record of a file. Multer keeps copies of it as long as the request lives. */
interface HeldFile {
  /** The index of its name: see `FormBody`. */
  readonly originalname: string;
  readonly held: { bytes: Buffer };
}

const inMemory = multer.memoryStorage();
const rooms = new WeakMap<object, Pick<Reservation, 'grow'>>();
/** Keeps a file's bytes in a holder, so that they can be freed although copies of the record remain. */
const FREEABLE_STORAGE: StorageEngine = {
  _handleFile(request, file, done) {
    const stream = file.stream.pipe(withinReservation(rooms.get(request)));
    inMemory._handleFile(request, { ...file, stream }, (error, info) => {
      const held = { bytes: info?.buffer ?? NO_BYTES };
      done(error, { size: held.bytes.length, held } as Partial<Express.Multer.File>);
    });
  },
  _removeFile(_request, file, done) {
    (file as unknown as HeldFile).held.bytes = NO_BYTES;
    done(null);
  },
};

/** Passes bytes on once memory for them is reserved; until then nothing is read from the client. */
function withinReservation(room: Pick<Reservation, 'grow'> | undefined): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const grown = room?.grow(COPIES * chunk.length) ?? Promise.resolve();
      grown.then(() => done(null, chunk), done);
    },
  });
}

/**
 * Checks the headers of a request.
 * @returns the largest number of bytes of memory that reading its photo can take
 * @throws {HttpError} 415 if it is not a form, 400 if its boundary is missing, 413 if its Content-Length is
 * over the limit
 */
export function checkHead(
  request: Request,
  limitMb: number,
  tooLarge = httpError.tooLarge,
): number {
  formTypeOf(request.headers);
  const most = Math.floor(limitMb * BYTES_PER_MB);
  const length = Number(request.headers['content-length'] ?? most);
  if (length > most + MOST_FORM_BYTES) throw tooLarge(limitMb);
  return COPIES * Math.min(length, most);
}

/** Limit in megabytes for all photos of one form, which must fit into the memory for uploads. */
export function uploadsMb(photos: number, largestMb: number, memoryMb: number): number {
  return Math.max(largestMb, Math.min(photos * largestMb, memoryMb / COPIES));
}

/**
 * Checks the headers of a request with several photos.
 * @param limitMb for all photos together
 * @throws {HttpError} 411 without a Content-Length, which is needed to reserve memory
 */
export function checkHeadOfSeveral(request: Request, limitMb: number): number {
  if (request.headers['content-length'] === undefined && request.headers['transfer-encoding']) {
    throw httpError.noLength();
  }
  return checkHead(request, limitMb, httpError.tooLargeTogether);
}

/**
 * @param limitMb largest photo, in megabytes of 1,048,576 bytes
 * @param most photos in one form
 */
export function formReader(limitMb: number, most = 1): ReadForm {
  const parse = multer({
    storage: FREEABLE_STORAGE,
    preservePath: true,
    defParamCharset: 'utf8',
    limits: {
      files: most,
      fileSize: Math.floor(limitMb * BYTES_PER_MB),
      fields: MOST_FIELDS,
      fieldSize: MOST_FIELD_BYTES,
      fieldNameSize: MOST_FIELD_NAME_BYTES,
    },
  }).array(PHOTO_FIELD, most);
  return async (request, response, room) => {
    const form = new FormBody(formTypeOf(request.headers));
    rooms.set(form, room);
    // With `Expect: 100-continue`, as curl sends with large files, the photo has not been sent yet.
    if (expectsContinue(request)) response.writeContinue();
    // If the request is aborted, the form ends too.
    pipeline(request, form, () => {});
    const parsed = form as unknown as Request;
    try {
      await untilAborted(run(parse, parsed, response), room.displaced);
      if (form.refusal !== undefined) throw form.refusal;
    } catch (error) {
      if (room.displaced.aborted) {
        // The remaining bytes of the request are not read.
        response.set('Connection', 'close');
        response.on('finish', () => request.destroy());
      }
      throw error instanceof MulterError
        ? formError(error, limitMb, most)
        : (form.refusal ?? readingError(error));
    }
    const files = (parsed.files ?? []) as unknown as readonly HeldFile[];
    if (files.length === 0) throw httpError.noFile();
    const photos = files.map(({ originalname, held }) => {
      const { bytes } = held;
      // Frees the photo before the request is answered.
      held.bytes = NO_BYTES;
      return { file: form.fileNames[Number(originalname)] || undefined, bytes };
    });
    return { photos, fields: parsed.body };
  };
}

/** HTTP/1.0 has no interim responses (RFC 9110, 10.1.1). */
function expectsContinue({ headers, httpVersion }: Request): boolean {
  return httpVersion !== '1.0' && headers.expect !== undefined;
}

function run(handler: RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    handler(request, response, (error?: unknown) => (error ? reject(error) : resolve()));
  });
}

function formError(error: MulterError, limitMb: number, most: number): HttpError {
  const tooMany = (): HttpError =>
    most === 1 ? httpError.tooManyFiles() : httpError.tooManyPhotos(most);
  switch (error.code) {
    case 'LIMIT_FILE_SIZE':
      return httpError.tooLarge(limitMb);
    case 'LIMIT_FILE_COUNT':
      return tooMany();
    case 'LIMIT_UNEXPECTED_FILE':
      return error.field === PHOTO_FIELD ? tooMany() : httpError.wrongField(error.field);
    case 'LIMIT_PART_COUNT':
    case 'LIMIT_FIELD_COUNT':
      return httpError.tooManyFields(MOST_FIELDS);
    case 'LIMIT_FIELD_KEY':
      return httpError.longFieldName(MOST_FIELD_NAME_BYTES);
    case 'LIMIT_FIELD_VALUE':
      return httpError.longField(error.field, MOST_FIELD_BYTES);
    default:
      return httpError.brokenForm('a field of it has a name that cannot be read', error);
  }
}

/** Reading a form also ends when its memory is taken away, or when the connection is lost. */
function readingError(error: unknown): HttpError {
  return error instanceof HttpError
    ? error
    : httpError.brokenForm('it ends before its closing boundary; send all of it', error);
}
