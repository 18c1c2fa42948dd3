/** Parses the headers of one part of a form: its field, its file name, and whether it is a file. */
import type { TextDecoder as Decoder } from 'node:util';
import { httpError } from '../../errors.ts';

/** The contract's form field. */
export const PHOTO_FIELD = 'inputFile';

export interface PartHead {
  readonly field: string;
  /** Undefined if there is none; empty if no file was chosen in a browser's field. */
  readonly fileName: string | undefined;
  readonly isFile: boolean;
  /** Whether its bytes are base64. */
  readonly isBase64: boolean;
}

/** Types of text fields. A part of any other type is a file, even without a name. */
const TEXT = /^(?:text\/|application\/(?:json|x-www-form-urlencoded)\b)/;
const PLAIN_CODINGS = ['', '7bit', '8bit', 'binary', 'identity'];

/**
 * @param block the header lines, without the empty line at the end
 * @param decoder of the header values
 * @throws {HttpError} 400 with the reason if they cannot be read
 */
export function readPartHead(block: Buffer, decoder: Decoder): PartHead {
  const headers = headersOf(block.toString('latin1'));
  const disposition = headers.get('content-disposition');
  if (disposition === undefined) {
    throw httpError.brokenPart('has no Content-Disposition: name its field in one');
  }
  const { field, fileName } = readDisposition(decoded(disposition, decoder));
  const type = (headers.get('content-type')?.split(';')[0] ?? '').trim().toLowerCase();
  if (type.startsWith('multipart/')) {
    throw httpError.brokenPart('is a form itself: send each photo as a part of its own', field);
  }
  const compressed = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  const coding = headers.get('content-transfer-encoding')?.trim().toLowerCase() ?? '';
  const isBase64 = coding === 'base64';
  for (const one of [compressed, ...(isBase64 ? [] : [coding])]) {
    if (PLAIN_CODINGS.includes(one)) continue;
    throw httpError.brokenPart(`is encoded as "${one}": send its bytes as they are`, field);
  }
  const isNamedText = type === '' || TEXT.test(type);
  const isFile = fileName !== undefined || field === PHOTO_FIELD || !isNamedText;
  return { field, fileName, isFile, isBase64 };
}

/** By lower-case name. A line that begins with a space continues the one before it. */
function headersOf(block: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of block.replaceAll(/\r\n[\t ]+/g, ' ').split('\r\n')) {
    const [, name = '', value = ''] = /^([^\s:]+)[\t ]*:([^\r\n]*)$/.exec(line) ?? [];
    if (name === '') throw httpError.brokenPart('has a line in its head that is no header');
    const key = name.toLowerCase();
    if (headers.has(key) && key.startsWith('content-')) {
      throw httpError.brokenPart(`has two headers ${key}: send one`);
    }
    headers.set(key, value.trim());
  }
  return headers;
}

function decoded(latin1: string, decoder: Decoder): string {
  try {
    return decoder.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    throw httpError.badFileName(
      `The name of the file or field is not in ${decoder.encoding.toUpperCase()}: send it in UTF-8, or rename the file.`,
    );
  }
}

/** Parameter by parameter: a name and a value, in quotes or up to the next semicolon, or nothing. */
const PARAMETER =
  /[\t ]*;[\t ]*(?:([^\s=;"]+)[\t ]*=[\t ]*(?:"((?:[^"\\]|\\.)*)"|([^";]*)))?[\t ]*/sy;

function readDisposition(header: string): { field: string; fileName: string | undefined } {
  const type = /^[^\s;]*/.exec(header)?.[0] ?? '';
  if (type.toLowerCase() !== 'form-data') {
    throw httpError.brokenPart('has a Content-Disposition that is not form-data');
  }
  const given = new Map<string, string>();
  PARAMETER.lastIndex = type.length;
  while (PARAMETER.lastIndex < header.length) {
    const match = PARAMETER.exec(header);
    if (match === null) {
      throw httpError.brokenPart(
        'has a Content-Disposition that cannot be read: put each name in quotes, and write a quote in it as %22',
      );
    }
    const [, name, quoted, plain = ''] = match;
    if (name === undefined || given.has(name.toLowerCase())) continue; // The first of two counts.
    given.set(name.toLowerCase(), quoted === undefined ? plain.trim() : unescaped(quoted));
  }
  const field = given.get('name');
  if (!field) throw httpError.brokenPart('names no field: give it a name');
  return { field: asBrowsersEscape(field), fileName: fileNameOf(given) };
}

/** A backslash before any other letter belongs to the name: `C:\fakepath\a.jpg`. */
const unescaped = (quoted: string): string => quoted.replaceAll(/\\(["\\])/g, '$1');

/** Browsers escape these three characters of a name (WHATWG HTML, 4.10.21.8). */
const asBrowsersEscape = (name: string): string =>
  name.replaceAll(/%22|%0d|%0a/gi, (letter) => decodeURIComponent(letter));

/** `filename*` wins over `filename` (RFC 6266, 4.3). */
function fileNameOf(given: ReadonlyMap<string, string>): string | undefined {
  const plain = given.get('filename');
  const extended = given.get('filename*');
  const name = extended === undefined ? undefined : extendedValue(extended);
  if (name !== undefined) return name;
  if (plain !== undefined) return asBrowsersEscape(plain);
  if (extended !== undefined || [...given.keys()].some((key) => key.startsWith('filename*'))) {
    throw httpError.badFileName(
      "The file name in filename* cannot be read: write it as utf-8''photo%20one.jpg, or send filename.",
    );
  }
  return undefined;
}

/** RFC 8187: a charset, a language and bytes in percent escapes; undefined for anything else. */
function extendedValue(value: string): string | undefined {
  const [, charset = '', text] = /^([^']+)'[^']*'((?:[ -$&-~]|%[0-9a-f]{2})*)$/i.exec(value) ?? [];
  const bytes = text?.replaceAll(/%(..)/g, (_match, hex) =>
    String.fromCharCode(Number(`0x${hex}`)),
  );
  if (bytes === undefined) return undefined;
  try {
    const decoder = new TextDecoder(charset, { fatal: true, ignoreBOM: true });
    return decoder.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return undefined;
  }
}
