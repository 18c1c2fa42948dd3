/**
 * Which file names the project takes: the name is the key of the photo in the in-bucket, and its stem is
 * the key of the result and the first half of the answer's one line.
 */
import { stemOf } from './names.ts';

/**
 * UTF-16 units, as Windows and macOS count a file's name. In UTF-8 that is at most 765 bytes, which fits
 * into an S3 key and into the contract's request message.
 */
export const MOST_FILE_NAME_UNITS = 255;

/** What a name breaks; `character` is the one that is not taken. */
export type NameFault =
  | { readonly kind: 'empty' | 'colon' | 'long' }
  | { readonly kind: 'control' | 'direction'; readonly character: string };

/** Controls, line and paragraph separators, and code points that are no characters (SQS refuses them). */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Noncharacter_Code_Point}]/u;
/** These reorder the letters beside them, so that a line of text reads as another one. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/u;
/** Without a letter in it, a key would be a part of a path (`.`, `..`) or invisible. */
const NOTHING = /^[.\p{White_Space}]*$/u;

/**
 * @param given as the device names the file, perhaps with folders, of which the last part counts
 * @returns the name in NFC, so that the two ways to write `é` are one name; or why it is not taken
 */
export function readFileName(given: string): string | NameFault {
  const last = given.slice(Math.max(given.lastIndexOf('/'), given.lastIndexOf('\\')) + 1);
  const name = last.normalize('NFC');
  const [control] = CONTROL.exec(name) ?? [];
  if (control !== undefined) return { kind: 'control', character: control };
  const [direction] = DIRECTION.exec(name) ?? [];
  if (direction !== undefined) return { kind: 'direction', character: direction };
  if (NOTHING.test(stemOf(name))) return { kind: 'empty' };
  if (stemOf(name).includes(':')) return { kind: 'colon' };
  if (name.length > MOST_FILE_NAME_UNITS) return { kind: 'long' };
  return name;
}

/** Whether a name is one that `readFileName` gives. */
export function isFileName(name: string): boolean {
  return readFileName(name) === name;
}

/** The name of a photo that came without one. */
export function ownFileName(requestId: string): string {
  return `photo-${requestId}`;
}
