/** The errors that S3 answers with, by its own codes. Knows nothing about HTTP beyond the status. */
import { ElasticFaceError } from '../../runtime/errors.ts';

/** A refused S3 request; `s3Code` is what clients branch on, e.g. `NoSuchKey`. */
export class S3Error extends ElasticFaceError {
  readonly s3Code: string;
  readonly status: number;
  /** Further elements of the error document, e.g. the bucket's name. */
  readonly details: Readonly<Record<string, string>>;
  /** Headers of the answer besides those of every error. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    s3Code: string,
    status: number,
    message: string,
    options: {
      details?: Readonly<Record<string, string>>;
      headers?: Readonly<Record<string, string>>;
    } & ErrorOptions = {},
  ) {
    super('s3', message, options);
    this.s3Code = s3Code;
    this.status = status;
    this.details = options.details ?? {};
    this.headers = options.headers ?? {};
  }
}

export function noSuchBucket(bucket: string): S3Error {
  return new S3Error('NoSuchBucket', 404, 'The specified bucket does not exist', {
    details: { BucketName: bucket },
  });
}

export function noSuchKey(key: string): S3Error {
  return new S3Error('NoSuchKey', 404, 'The specified key does not exist.', {
    details: { Key: key },
  });
}

export function noSuchUpload(id: string): S3Error {
  return new S3Error(
    'NoSuchUpload',
    404,
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { details: { UploadId: id } },
  );
}

export function invalidArgument(message: string, name: string, value: string): S3Error {
  return new S3Error('InvalidArgument', 400, message, {
    details: { ArgumentName: name, ArgumentValue: value.slice(0, 200) },
  });
}

export function invalidRequest(message: string): S3Error {
  return new S3Error('InvalidRequest', 400, message);
}

export function malformedXml(cause?: unknown): S3Error {
  return new S3Error(
    'MalformedXML',
    400,
    'The XML you provided was not well-formed or did not validate against our published schema',
    { cause },
  );
}

export function preconditionFailed(condition: string): S3Error {
  return new S3Error(
    'PreconditionFailed',
    412,
    'At least one of the pre-conditions you specified did not hold',
    { details: { Condition: condition } },
  );
}

/** @param what as a subject, e.g. "The operation PutBucketPolicy" */
export function notImplemented(what: string): S3Error {
  return new S3Error('NotImplemented', 501, `${what} is not implemented by the local cloud.`);
}
