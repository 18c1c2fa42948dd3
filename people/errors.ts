/** The errors of this room. Each message says what is wrong and what to do. */
import { errorClass } from '../runtime/errors.ts';

/** A segment or a head is torn, forged, or made by another encoder or program. */
export class SegmentError extends errorClass('gallery-segment') {}

/** The people bucket does not exist or cannot be used. */
export class PeopleBucketError extends errorClass('people-bucket') {}

/** A change that this gallery cannot take, e.g. another encoder's embeddings. */
export class GalleryChangeError extends errorClass('gallery-change') {}

/** A version that is not kept any more, or never was. */
export class GalleryVersionError extends errorClass('gallery-version') {}

/** A line of an import cannot be read. */
export class ImportError extends errorClass('import') {
  /** Of the file, from 1. */
  readonly line: number;

  constructor(line: number, message: string, options?: ErrorOptions) {
    super(`Line ${line}: ${message}`, options);
    this.line = line;
  }
}
