/**
 * Parses the headers of a form: media type, boundary and codings. More lenient than Node's form parsers,
 * which accept an unquoted boundary only if it is a token.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { TextDecoder as Decoder } from 'node:util';
import { httpError } from '../../errors.ts';

export interface FormType {
  /** As in the body, without the leading dashes. */
  readonly boundary: Buffer;
  /** For the headers of its parts. */
  readonly decoder: Decoder;
}

const FORM = 'multipart/form-data';
/** Name, then a value in quotes or one that ends before the next semicolon. */
const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g;

/**
 * @throws {HttpError} 415 if it is not a form or is compressed, 400 without a boundary
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
  // Node decodes header bytes as Latin-1.
  return { boundary: Buffer.from(boundary, 'latin1'), decoder: decoderOf(given) };
}

/** The first parameter with this name, as in other parsers. */
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
    return new TextDecoder('utf-8', options); // Unknown charset: UTF-8 is assumed.
  }
}

/** A coding that must be undone; Node has already handled `chunked`. */
function foreignCoding(value: string | undefined): string | undefined {
  const codings = (value ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  return codings.find((coding) => !['', 'identity', 'chunked'].includes(coding));
}
