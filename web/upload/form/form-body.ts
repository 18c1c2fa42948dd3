/**
 * Rewrites a form's body for multer: the same parts, with new headers and a new boundary, so that every
 * form has one meaning for the parser, or is refused with the reason.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import { httpError } from '../../errors.ts';
import { quoted } from '../../http-error.ts';
import { Base64Decoder } from './base64.ts';
import type { FormType } from './content-type.ts';
import { type PartHead, readPartHead } from './part-head.ts';

/** All headers of one part. */
const MOST_HEAD_BYTES = 16 * 1024;
/** Spaces that RFC 2046 allows between a boundary and the end of its line. */
const MOST_PADDING = 64;
const LINE = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

type Place = 'before' | 'head' | 'part' | 'after';

/** Looks like a request to multer. A fault is stored in `refusal`, and ends the body that multer gets. */
export class FormBody extends Transform {
  readonly headers: IncomingHttpHeaders;
  /** The name of each file, by the index that multer gets instead; undefined if the client sent none. */
  readonly fileNames: (string | undefined)[] = [];
  refusal: unknown;
  readonly #form: FormType;
  readonly #delimiter: Buffer;
  readonly #own = `elastic-face-${randomBytes(16).toString('hex')}`;
  #place: Place = 'before';
  /** Bytes not processed yet. Begins with the line break that the first boundary may lack. */
  #bytes: Buffer = LINE;
  /** The first bytes of the body, to explain what is wrong with a form without parts. */
  #opening: Buffer = Buffer.alloc(0);
  /** Of the part whose first byte has not arrived. */
  #head: PartHead | undefined;
  #base64: Base64Decoder | undefined;

  constructor(form: FormType) {
    super();
    this.#form = form;
    this.#delimiter = Buffer.concat([Buffer.from('\r\n--'), form.boundary]);
    this.headers = {
      'content-type': `multipart/form-data; boundary=${this.#own}`,
      'transfer-encoding': 'chunked',
    };
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#guarded(() => {
      if (this.#opening.length < this.#delimiter.length + 2) {
        this.#opening = Buffer.concat([this.#opening, chunk.subarray(0, 4096)]);
      }
      this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
      while (this.#step());
    });
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#guarded(() => {
      if (this.#place === 'before') throw httpError.brokenForm(this.#whyNoPart());
      if (this.#place !== 'after') {
        throw httpError.brokenForm('it ends before its closing boundary: send all of it');
      }
    });
    done();
  }

  /** A fault ends the form; later bytes are read and dropped. */
  #guarded(work: () => void): void {
    if (this.refusal !== undefined) return;
    try {
      work();
    } catch (error) {
      this.refusal = error;
      this.#end();
    }
  }

  /** @returns whether the buffered bytes may allow another step */
  #step(): boolean {
    switch (this.#place) {
      case 'before':
      case 'part':
        return this.#toDelimiter();
      case 'head':
        return this.#readHead();
      case 'after':
        this.#bytes = this.#bytes.subarray(this.#bytes.length);
        return false;
    }
  }

  #toDelimiter(): boolean {
    this.#dropByteOrderMark();
    for (let from = 0; ; ) {
      const at = this.#bytes.indexOf(this.#delimiter, from);
      if (at < 0) {
        this.#pass(this.#bytes.length - overlap(this.#bytes, this.#delimiter));
        return false;
      }
      const kind = lineAfter(this.#bytes, at + this.#delimiter.length);
      if (kind === 'unknown') {
        this.#pass(at);
        return false;
      }
      if (kind === 'other') {
        from = at + 1; // Another boundary that begins like this one.
        continue;
      }
      this.#pass(at);
      this.#endPart();
      this.#bytes = this.#bytes.subarray(this.#delimiter.length);
      if (kind === 'closing') this.#end();
      else this.#bytes = this.#bytes.subarray(this.#bytes.indexOf(LINE));
      this.#place = kind === 'closing' ? 'after' : 'head';
      return true;
    }
  }

  /** Some clients write a byte order mark before the first boundary. */
  #dropByteOrderMark(): void {
    if (this.#place !== 'before') return;
    const after = LINE.length + BYTE_ORDER_MARK.length;
    if (this.#bytes.subarray(LINE.length, after).equals(BYTE_ORDER_MARK)) {
      this.#bytes = Buffer.concat([LINE, this.#bytes.subarray(after)]);
    }
  }

  /** The head includes the line break of its boundary, so that a part without headers has an end too. */
  #readHead(): boolean {
    const bytes = this.#bytes;
    const blank = bytes.indexOf(HEAD_END);
    // Of a part without a body, the delimiter may come in place of the empty line, or right after it.
    const next = bytes.indexOf(this.#delimiter);
    const isEmpty = next >= 0 && (blank < 0 || next <= blank + LINE.length);
    const end = blank < 0 || (isEmpty && next < blank) ? next : blank;
    if (end > MOST_HEAD_BYTES || (end < 0 && bytes.length > MOST_HEAD_BYTES)) {
      throw httpError.brokenPart(`has more than ${MOST_HEAD_BYTES} bytes of headers`);
    }
    const least = end + LINE.length + this.#delimiter.length;
    if (end < 0 || (!isEmpty && bytes.length < least)) return false;
    if (end === 0) throw httpError.brokenPart('has no headers: name its field in one');
    this.#head = readPartHead(bytes.subarray(LINE.length, end), this.#form.decoder);
    this.#base64 = this.#head.isBase64 ? new Base64Decoder() : undefined;
    this.#bytes = bytes.subarray(isEmpty ? next : end + HEAD_END.length);
    this.#place = 'part';
    return true;
  }

  /** Passes on the first bytes of the part. */
  #pass(length: number): void {
    if (length > 0 && this.#place === 'part') {
      const bytes = this.#bytes.subarray(0, length);
      const decoded = this.#base64 === undefined ? bytes : this.#base64.push(bytes);
      if (decoded.length > 0) {
        this.#beginPart();
        this.push(decoded);
      }
    }
    this.#bytes = this.#bytes.subarray(length);
  }

  #beginPart(): void {
    if (this.#head === undefined) return;
    const { field, fileName, isFile } = this.#head;
    this.#head = undefined;
    const file = isFile ? `; filename="${this.fileNames.push(fileName) - 1}"` : '';
    const disposition = `form-data; name="${escaped(field)}"${file}`;
    this.push(`\r\n--${this.#own}\r\nContent-Disposition: ${disposition}\r\n\r\n`);
  }

  #endPart(): void {
    if (this.#place !== 'part') return;
    const decoded = this.#base64?.end() ?? Buffer.alloc(0);
    // A browser sends a field without a chosen file as an empty file.
    if (this.#head?.fileName === '' && decoded.length === 0) return;
    this.#beginPart();
    if (decoded.length > 0) this.push(decoded);
  }

  #end(): void {
    this.push(`\r\n--${this.#own}--\r\n`);
  }

  #whyNoPart(): string {
    const boundary = this.#form.boundary.toString('latin1');
    const opening = this.#opening.toString('latin1');
    if (opening.trim() === '') return 'it is empty';
    const line = opening.trimStart();
    if (line.startsWith(`--${boundary}\n`) || line.startsWith(`--${boundary}\r`)) {
      return 'its lines do not end in CR LF: end each line of a head, and each boundary, with both';
    }
    return `the boundary that its Content-Type names, ${quoted(boundary)}, does not occur in it`;
  }
}

/** What follows a boundary: the end of its line, the dashes that close the form, or neither. */
function lineAfter(bytes: Buffer, from: number): 'line' | 'closing' | 'other' | 'unknown' {
  const next = bytes.toString('latin1', from, from + MOST_PADDING);
  if (next.startsWith('--')) return 'closing';
  if (/^[\t ]*\r\n/.test(next)) return 'line';
  return next.length < MOST_PADDING && /^(?:-|[\t ]*\r?)$/.test(next) ? 'unknown' : 'other';
}

/** The number of bytes at the end that may begin a delimiter. */
function overlap(bytes: Buffer, delimiter: Buffer): number {
  const tail = bytes.subarray(Math.max(0, bytes.length - delimiter.length + 1));
  for (let at = tail.indexOf(13); at >= 0; at = tail.indexOf(13, at + 1)) {
    const end = tail.subarray(at);
    if (delimiter.subarray(0, end.length).equals(end)) return end.length;
  }
  return 0;
}

/** Escapes a name as browsers do, so that multer reads it back. */
function escaped(name: string): string {
  return name
    .replaceAll('\\', '\\\\')
    .replaceAll(/["\r\n]/g, (letter) => encodeURIComponent(letter));
}
