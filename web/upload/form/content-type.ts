/**
 * The head of a form's request: its media type, its boundary and its codings. Read as leniently as clients
 * write them, since Node's form parsers take a boundary without quotes only in a token's letters.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { TextDecoder as Decoder } from 'node:util';
import { httpError } from '../../errors.ts';

export interface FormType {
  /** As it stands in the body, without the dashes before it. */
  readonly boundary: Buffer;
  /** Of the heads of its parts. */
  readonly decoder: Decoder;
}

const FORM = 'multipart/form-data';
/** Name, then a value in quotes or one that ends before the next semicolon. */
const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g;

/**
 * @throws {HttpError} 415 for a body that is no form or is compressed, 400 for a form without boundary
 */
export function formTypeOf(headers: IncomingHttpHeaders): FormType {
  const given = headers['content-type'] ?? '';
  const type = (given.split(';')[0] ?? '').trim().toLowerCase();
  if (type !== FORM) throw httpError.notAForm(type);
  for (const header of ['content-encoding', 'transfer-encoding'] as const) {
    const coding = foreignCoding(headers[header]);
    if (coding !== undefined) throw httpError.encoded(header, coding);
  }
  const boundary = parameter(given, 'boundary');
  if (!boundary) throw httpError.noBoundary();
  // Node hands out the bytes of a header as Latin-1.
  return { boundary: Buffer.from(boundary, 'latin1'), decoder: decoderOf(given) };
}

/** The first of this name: of two, other readers take the first as well. */
function parameter(header: string, wanted: string): string | undefined {
  for (const [, name = '', quoted, plain = ''] of header.matchAll(PARAMETER)) {
    if (name.toLowerCase() !== wanted) continue;
    return quoted === undefined ? plain.trim() : quoted.replace(/\\(.)/g, '$1');
  }
  return undefined;
}

function decoderOf(header: string): Decoder {
  const options = { fatal: true, ignoreBOM: true };
  try {
    return new TextDecoder(parameter(header, 'charset') || 'utf-8', options);
  } catch {
    return new TextDecoder('utf-8', options); // Of a charset that nobody knows, the names are UTF-8.
  }
}

/** The coding of a body that is not as it was; Node has taken `chunked` apart already. */
function foreignCoding(value: string | undefined): string | undefined {
  const codings = (value ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  return codings.find((coding) => !['', 'identity', 'chunked'].includes(coding));
}
