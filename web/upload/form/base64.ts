/** Decodes base64 (RFC 2045) in chunks, with lines of any length. */
import { httpError } from '../../errors.ts';

const OTHER = /[^A-Za-z0-9+/=]|=[^=]/;

export class Base64Decoder {
  /** Letters at the end that do not make three bytes yet. */
  #letters = '';

  /** @throws {HttpError} 400 for any other letter */
  push(bytes: Buffer): Buffer {
    const letters = this.#letters + bytes.toString('latin1').replaceAll(/[\r\n\t ]/g, '');
    const whole = letters.length - (letters.length % 4);
    this.#letters = letters.slice(whole);
    return this.#decode(letters.slice(0, whole), letters);
  }

  end(): Buffer {
    const letters = this.#letters;
    this.#letters = '';
    if (letters.length === 1) throw notBase64();
    return this.#decode(letters, letters);
  }

  #decode(letters: string, all: string): Buffer {
    if (OTHER.test(all)) throw notBase64();
    return Buffer.from(letters, 'base64');
  }
}

function notBase64() {
  return httpError.brokenPart(
    'is marked as base64, but is not: remove its Content-Transfer-Encoding',
  );
}
