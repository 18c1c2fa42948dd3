/** Takes little-endian values off a byte array one after another. Knows nothing of what they mean. */
import { refuse } from '../../errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  /** A count of 8 bytes, refused where a JavaScript number does not hold it exactly. */
  count64(): number {
    const value = this.#view.getBigUint64(this.#advance(8), true);
    return value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : refuse('it gives a count beyond any file’s size');
  }

  /** Pickle writes floating point big-endian, unlike all else. */
  float64BigEndian(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(length: number): string {
    const bytes = this.bytes(length);
    try {
      return utf8.decode(bytes);
    } catch {
      return refuse('it holds text that is not UTF-8');
    }
  }

  /** Text up to the next line feed, which is taken and not returned. */
  line(longest: number): string {
    const window = this.#bytes.subarray(this.#position, this.#position + longest + 1);
    const length = window.indexOf(0x0a);
    if (length < 0) {
      return refuse('it holds a line that does not end: it is damaged or cut short');
    }
    const text = this.text(length);
    this.#advance(1);
    return text;
  }

  #advance(length: number): number {
    if (length > this.remaining) {
      refuse('it ends in the middle: it is cut short');
    }
    const start = this.#position;
    this.#position += length;
    return start;
  }
}
