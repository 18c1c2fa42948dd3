/** From a multipart form to one checked photo: bounds on size, count, field and name. Knows no cloud. */
import { pipeline, Transform } from 'node:stream';
import type { Request, RequestHandler, Response } from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import { ownFileName } from '../../cloud/contract/file-names.ts';
import { httpError } from '../errors.ts';
import { HttpError } from '../http-error.ts';
import { type Room, untilAborted } from './admission.ts';
import { checkFileName } from './file-name.ts';
import { formTypeOf } from './form/content-type.ts';
import { FormBody } from './form/form-body.ts';
import { PHOTO_FIELD } from './form/part-head.ts';
import { checkImageType } from './image-type.ts';

export const BYTES_PER_MB = 1024 * 1024;
/** Other fields are passed over, within reason. */
const MOST_FIELDS = 16;
const MOST_FIELD_BYTES = 4096;
const MOST_FIELD_NAME_BYTES = 100;
/** What a form may hold beside its photo. */
const MOST_FORM_BYTES = 256 * 1024;
/** While the pieces of a photo are joined, it is in memory twice. */
const COPIES = 2;

export interface Upload {
  readonly file: string;
  readonly bytes: Buffer;
  /** Media type judged from the bytes. */
  readonly type: string;
}

/** A file as it came. */
export interface RawPhoto {
  /** As the client named it, folders and all; undefined where it did not. */
  readonly file: string | undefined;
  readonly bytes: Buffer;
}

export interface Form {
  readonly photos: readonly RawPhoto[];
  readonly fields: Readonly<Record<string, unknown>>;
}

/** @param room grows with the photos as they arrive; once it is displaced, reading ends */
export type ReadForm = (
  request: Request,
  response: Response,
  room: Pick<Room, 'displaced' | 'grow'>,
) => Promise<Form>;

const NO_BYTES = Buffer.alloc(0);

/** What multer tells of a file. It keeps copies of that for as long as the request lives. */
interface HeldFile {
  /** The number of its name: see `FormBody`. */
  readonly originalname: string;
  readonly held: { bytes: Buffer };
}

const inMemory = multer.memoryStorage();
const rooms = new WeakMap<object, Pick<Room, 'grow'>>();
/** Keeps a file's bytes where they can be let go, whoever has a copy of the rest. */
const LETTING_GO: StorageEngine = {
  _handleFile(request, file, done) {
    const stream = file.stream.pipe(inRoom(rooms.get(request)));
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

/** Lets bytes through as fast as there is room for them: the client is not read from meanwhile. */
function inRoom(room: Pick<Room, 'grow'> | undefined): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const grown = room?.grow(COPIES * chunk.length) ?? Promise.resolve();
      grown.then(() => done(null, chunk), done);
    },
  });
}

/**
 * Judges a request by its head alone.
 * @returns the most bytes of memory that reading its photo can take
 * @throws {HttpError} 415 when it is no form, 400 when its form cannot be read, 413 when it says itself
 * that it is too large
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

/** Most megabytes of several photos in one form: no form may take more memory than there is. */
export function uploadsMb(photos: number, largestMb: number, memoryMb: number): number {
  return Math.max(largestMb, Math.min(photos * largestMb, memoryMb / COPIES));
}

/**
 * The same for a form of several photos.
 * @param limitMb of all of them
 * @throws {HttpError} 411 without a length: what is not told cannot be held against the limit
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
    storage: LETTING_GO,
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
    // A client that asks first, as curl does with large files, has not sent the photo yet.
    if (asksFirst(request)) response.writeContinue();
    // A request that breaks off ends the form as well.
    pipeline(request, form, () => {});
    const parsed = form as unknown as Request;
    try {
      await untilAborted(run(parse, parsed, response), room.displaced);
      if (form.refusal !== undefined) throw form.refusal;
    } catch (error) {
      if (room.displaced.aborted) {
        // Nobody reads the rest of it.
        response.set('Connection', 'close');
        response.on('finish', () => request.destroy());
      }
      throw error instanceof MulterError
        ? formError(error, limitMb, most)
        : (form.refusal ?? asHttpError(error));
    }
    const files = (parsed.files ?? []) as unknown as readonly HeldFile[];
    if (files.length === 0) throw httpError.noFile();
    const photos = files.map(({ originalname, held }) => {
      const { bytes } = held;
      // The request lives until it is answered; the photo need not.
      held.bytes = NO_BYTES;
      return { file: form.fileNames[Number(originalname)] || undefined, bytes };
    });
    return { photos, fields: parsed.body };
  };
}

/** HTTP/1.0 knows no interim answer (RFC 9110, 10.1.1). */
function asksFirst({ headers, httpVersion }: Request): boolean {
  return httpVersion !== '1.0' && headers.expect !== undefined;
}

/** A photo that can be taken in. */
export interface CheckedPhoto extends Omit<Upload, 'file'> {
  /** Undefined where it came without a name. */
  readonly file: string | undefined;
}

/** @throws {HttpError} when its name or its bytes cannot be taken */
export async function checkPhoto({ file, bytes }: RawPhoto): Promise<CheckedPhoto> {
  const name = file === undefined ? undefined : checkFileName(file);
  return { file: name, bytes, type: await checkImageType(bytes) };
}

/** With a name of its own where it came without one. @param id of its request */
export function named({ file, ...photo }: CheckedPhoto, id: string): Upload {
  return { ...photo, file: file ?? ownFileName(id) };
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

/** What else ends the reading of a form: the refusal of its room, or a connection that broke off. */
function asHttpError(error: unknown): HttpError {
  return error instanceof HttpError
    ? error
    : httpError.brokenForm('it ends before its closing boundary; send all of it', error);
}
