/** Ids of people and faces: UUIDs as text and as 16 bytes, and those of the model's own gallery. */
import { createHash } from 'node:crypto';

export const ID_BYTES = 16;

/** @throws {RangeError} when it is no UUID */
export function writeId(id: string, bytes: Buffer, index: number): void {
  const hex = id.replaceAll('-', '');
  if (hex.length !== 2 * ID_BYTES || bytes.write(hex, index * ID_BYTES, 'hex') !== ID_BYTES) {
    throw new RangeError(`'${id}' is no UUID.`);
  }
}

export function readId(bytes: Buffer, index: number): string {
  const hex = bytes.toString('hex', index * ID_BYTES, (index + 1) * ID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const TEXT_LENGTH = 36;
const HYPHEN = '-'.charCodeAt(0);
const DIGITS = Buffer.from('0123456789abcdef');

/** All ids of a column: one text for all of them is made six times as fast as one for each. */
export function readIds(bytes: Buffer): string[] {
  const count = bytes.length / ID_BYTES;
  const text = Buffer.alloc(count * TEXT_LENGTH, HYPHEN);
  let at = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    text[at++] = DIGITS[byte >> 4]!;
    text[at++] = DIGITS[byte & 15]!;
    const inId = i % ID_BYTES;
    if (inId >= 3 && inId <= 9 && inId % 2 === 1) at++;
  }
  const all = text.toString('latin1');
  return Array.from({ length: count }, (_, i) => all.slice(i * TEXT_LENGTH, (i + 1) * TEXT_LENGTH));
}

/**
 * The id of something of the model's own gallery: a UUID made from what it is (version 8 of RFC 9562), so
 * that every worker and every newly baked image gives it the same one.
 */
export function baseId(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    // With its length, so that no two lists of parts are the same bytes.
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  const bytes = hash.digest().subarray(0, ID_BYTES);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return readId(bytes, 0);
}

/** Whether an id was made by `baseId`; enrolled people and faces have random ones. */
export function isBaseId(id: string): boolean {
  return id[14] === '8';
}
