/** From a multipart form to one checked photo: bounds on size, count, field and name. Knows no cloud. */
import type { Request, RequestHandler, Response } from 'express';
import multer, { MulterError } from 'multer';
import { HttpError, refuse } from './errors.ts';
import { checkFileName } from './file-name.ts';
import { checkImageType } from './image-type.ts';

/** The contract's form field. */
const FIELD = 'inputFile';
const BYTES_PER_MB = 1024 * 1024;
/** Other fields are passed over, within reason. */
const MOST_FIELDS = 16;
const MOST_FIELD_BYTES = 4096;
const MOST_PART_HEADERS = 32;

export interface Upload {
  readonly file: string;
  readonly bytes: Buffer;
  /** Media type judged from the bytes. */
  readonly type: string;
}

export type ReadUpload = (request: Request, response: Response) => Promise<Upload>;

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
      headerPairs: MOST_PART_HEADERS,
    },
  }).single(FIELD);
  return async (request, response) => {
    if (!request.is('multipart/form-data')) throw refuse.notAForm();
    try {
      await run(parse, request, response);
    } catch (error) {
      throw formError(error, limitMb);
    }
    const { file } = request;
    if (file === undefined) throw refuse.noFile();
    return {
      file: checkFileName(file.originalname),
      bytes: file.buffer,
      type: await checkImageType(file.buffer),
    };
  };
}

function run(handler: RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    handler(request, response, (error?: unknown) => (error ? reject(error) : resolve()));
  });
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
