/** Byte ranges as S3 takes them. Pure. */
import { S3Error } from '../errors.ts';

export interface Range {
  readonly start: number;
  /** The last byte. */
  readonly end: number;
}

/**
 * The one range a header asks for; undefined for the whole object, which S3 also gives for several
 * ranges and for what is no range.
 * @throws {S3Error} InvalidRange when the object has none of its bytes
 */
export function rangeOf(text: string | undefined, size: number): Range | undefined {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(text ?? '');
  if (text === undefined || match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    if (length === 0) throw invalidRange(text, size);
    return { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) throw invalidRange(text, size);
  return { start, end };
}

function invalidRange(asked: string, size: number): S3Error {
  return new S3Error('InvalidRange', 416, 'The requested range is not satisfiable', {
    details: { RangeRequested: asked.slice(0, 200), ActualObjectSize: String(size) },
    headers: { 'content-range': `bytes */${size}` },
  });
}
