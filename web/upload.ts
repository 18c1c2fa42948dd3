/** From a multipart form to one checked photo: bounds on size, count, field and name. Knows no cloud. */
import type { Request, RequestHandler, Response } from 'express';
import multer, { MulterError } from 'multer';
import { HttpError, refuse } from './errors.ts';
import { checkFileName } from './file-name.ts';
import { checkImageType } from './image-type.ts';

/** The contract's form field. */
const FIELD = 'inputFile';
export const BYTES_PER_MB = 1024 * 1024;
/** Other fields are passed over, within reason. */
const MOST_FIELDS = 16;
const MOST_FIELD_BYTES = 4096;
const MOST_FIELD_NAME_BYTES = 100;
const MOST_PART_HEADERS = 32;
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

/** @param displaced aborted when the upload has to give way */
export type ReadUpload = (
  request: Request,
  response: Response,
  displaced: AbortSignal,
) => Promise<Upload>;

/**
 * Judges a request by its head alone.
 * @returns the most bytes of memory that reading its photo can take
 * @throws {HttpError} 415 when it is no form, 413 when it says itself that it is too large
 */
export function checkHead(request: Request, limitMb: number): number {
  if (!request.is('multipart/form-data')) {
    // Express's `is` wants a body; without one a form is broken, not of another type.
    const form = /^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '');
    throw form ? refuse.brokenForm() : refuse.notAForm();
  }
  const most = Math.floor(limitMb * BYTES_PER_MB);
  const length = Number(request.headers['content-length'] ?? most);
  if (length > most + MOST_FORM_BYTES) throw refuse.tooLarge(limitMb);
  return COPIES * Math.min(length, most);
}

/** @param limitMb largest photo, in megabytes of 1,048,576 bytes */
export function uploadReader(limitMb: number): ReadUpload {
  const parse = multer({
    storage: multer.memoryStorage(),
    // The whole name is wanted, path parts too, so that a bad one is refused and not quietly cut.
    preservePath: true,
    defParamCharset: 'utf8',
    limits: {
      files: 1,
      fileSize: Math.floor(limitMb * BYTES_PER_MB),
      fields: MOST_FIELDS,
      fieldSize: MOST_FIELD_BYTES,
      fieldNameSize: MOST_FIELD_NAME_BYTES,
      headerPairs: MOST_PART_HEADERS,
    },
  }).single(FIELD);
  return async (request, response, displaced) => {
    // Who asks first, as curl does with large files, has not sent the photo yet.
    if (request.headers.expect !== undefined) response.writeContinue();
    try {
      await untilAborted(run(parse, request, response), displaced);
    } catch (error) {
      throw formError(error, limitMb);
    }
    const { file } = request;
    if (file === undefined) throw refuse.noFile();
    const { buffer: bytes, originalname } = file;
    // The request lives until it is answered; the photo need not.
    delete (file as Partial<typeof file>).buffer;
    return { file: checkFileName(originalname), bytes, type: await checkImageType(bytes) };
  };
}

function run(handler: RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    handler(request, response, (error?: unknown) => (error ? reject(error) : resolve()));
  });
}

async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function formError(error: unknown, limitMb: number): HttpError {
  if (error instanceof HttpError) return error;
  if (!(error instanceof MulterError)) return refuse.brokenForm(error);
  switch (error.code) {
    case 'LIMIT_FILE_SIZE':
      return refuse.tooLarge(limitMb);
    case 'LIMIT_FILE_COUNT':
      return refuse.tooManyFiles();
    case 'LIMIT_UNEXPECTED_FILE':
      return error.field === FIELD ? refuse.tooManyFiles() : refuse.wrongField(error.field);
    case 'LIMIT_PART_COUNT':
    case 'LIMIT_FIELD_COUNT':
    case 'LIMIT_FIELD_KEY':
    case 'LIMIT_FIELD_VALUE':
      return refuse.tooManyFields();
    default:
      return refuse.brokenForm(error);
  }
}
